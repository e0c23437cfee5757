/** What the app's processes noted: who accepted which connection, and who had which request. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Accepted {
  readonly pid: number
  readonly atMs: number
}

export interface Books {
  /** The process that read the head of this request. */
  readerOf(id: string): number | null
  /** The process that accepted the client's connection; ports come again, so the time decides. */
  accepterOf(localPort: number, openedAtMs: number, lostAtMs: number): number | null
  readonly pids: readonly number[]
}

/** Two processes read the same clock at slightly different moments. */
const slackMs = 50

export function readBooks(folder: string): Books {
  const readers = new Map<string, number>()
  const accepted = new Map<number, Accepted[]>()
  const names = readdirSync(folder).filter((name) => name.endsWith('.book'))
  for (const name of names) {
    const pid = Number.parseInt(name, 10)
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [what, id = '-', port, atMs] = line.split(' ')
      if (what === 'request') readers.set(id, pid)
      else if (what === 'connection') accepted.set(Number(port), [...(accepted.get(Number(port)) ?? []), { pid, atMs: Number(atMs) }])
    }
  }
  return {
    readerOf: (id) => readers.get(id) ?? null,
    accepterOf(localPort, openedAtMs, lostAtMs) {
      const fitting = (accepted.get(localPort) ?? []).filter(({ atMs }) => atMs >= openedAtMs - slackMs && atMs <= lostAtMs + slackMs)
      return fitting.at(-1)?.pid ?? null
    },
    pids: names.map((name) => Number.parseInt(name, 10)),
  }
}
