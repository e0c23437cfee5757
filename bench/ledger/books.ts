/** What the app's processes and threads noted: who accepted which connection, and who had which request. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A process by its pid, or a thread of one: `pid.threadId`. */
export type Holder = string

interface Accepted {
  readonly who: Holder
  readonly atMs: number
}

export interface Books {
  /** Whose app was given this request. */
  readerOf(id: string): Holder | null
  /** The process that accepted the client's connection; ports come again, so the time decides. */
  accepterOf(localPort: number, openedAtMs: number, lostAtMs: number): Holder | null
  readonly pids: readonly number[]
}

/** Two processes read the same clock at slightly different moments. */
const slackMs = 50

export function readBooks(folder: string): Books {
  const readers = new Map<string, Holder>()
  const accepted = new Map<number, Accepted[]>()
  const names = readdirSync(folder).filter((name) => name.endsWith('.book'))
  for (const name of names) {
    const who = name.slice(0, -'.book'.length)
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [what, id = '-', port, atMs] = line.split(' ')
      if (what === 'request') readers.set(id, who)
      else if (what === 'connection') accepted.set(Number(port), [...(accepted.get(Number(port)) ?? []), { who, atMs: Number(atMs) }])
    }
  }
  return {
    readerOf: (id) => readers.get(id) ?? null,
    accepterOf(localPort, openedAtMs, lostAtMs) {
      const fitting = (accepted.get(localPort) ?? []).filter(({ atMs }) => atMs >= openedAtMs - slackMs && atMs <= lostAtMs + slackMs)
      return fitting.at(-1)?.who ?? null
    },
    pids: [...new Set(names.map((name) => Number.parseInt(name, 10)))],
  }
}
