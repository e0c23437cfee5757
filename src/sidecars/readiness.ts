/** Waits for what a sidecar's `readyWhen` asks for. */
import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { parseAddress } from '../base/address.ts'
import type { SidecarReadyWhen } from '../config/kinds/sidecar.ts'

export interface Readiness {
  /** Null, or what stands in the way before it is started: it could not be told from the sidecar's own doing. */
  begin(): Promise<string | null>
  onSpawned(): void
  onLine(line: string): void
  readonly waitsForLine: boolean
  stop(): void
}

/** One that is only to be started has ended within this time, if it cannot run at all. */
const startedAfterMs = 200
const firstPauseMs = 20
const longestPauseMs = 250
const connectMs = 2_000

export function createReadiness(readyWhen: SidecarReadyWhen, cwd: string, onReady: () => void): Readiness {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const ready = () => {
    if (isOver) return
    stop()
    onReady()
  }
  function stop(): void {
    isOver = true
    clearTimeout(timer)
  }

  function poll(look: () => boolean | Promise<boolean>, pauseMs = firstPauseMs): void {
    timer = setTimeout(async () => {
      const isThere = await look()
      if (isOver) return
      if (isThere) ready()
      else poll(look, Math.min(pauseMs * 2, longestPauseMs))
    }, pauseMs)
  }

  const idle = { begin: () => Promise.resolve(null), onSpawned: () => undefined, onLine: () => undefined, waitsForLine: false, stop }
  if (readyWhen === 'started') {
    return {
      ...idle,
      onSpawned() {
        timer = setTimeout(ready, startedAfterMs)
      },
    }
  }
  if ('line' in readyWhen) {
    const expression = new RegExp(readyWhen.line)
    return {
      ...idle,
      onLine(line) {
        if (!isOver && expression.test(line)) ready()
      },
      get waitsForLine() {
        return !isOver
      },
    }
  }
  if ('listens' in readyWhen) {
    const { listens } = readyWhen
    return {
      ...idle,
      // The answer of a stranger would be taken for its own, and it could not listen there.
      begin: async () => ((await canConnect(listens, cwd)) ? `somebody else listens at ${listens}` : null),
      onSpawned: () => poll(() => canConnect(listens, cwd)),
    }
  }
  const path = resolve(cwd, readyWhen.file)
  let before: string | null = null
  return {
    ...idle,
    begin() {
      before = traceOf(path)
      return Promise.resolve(null)
    },
    onSpawned: () =>
      poll(() => {
        const now = traceOf(path)
        return now !== null && now !== before
      }),
  }
}

/** What changes when a file is written anew. */
function traceOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stat === undefined ? null : `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs}`
}

function canConnect(text: string, cwd: string): Promise<boolean> {
  const parsed = parseAddress(text)
  if (!parsed.ok || parsed.address.kind === 'fd') return Promise.resolve(false) // the configuration has been checked
  const { address } = parsed
  const socket =
    address.kind === 'unix' ? connect(resolve(cwd, address.path)) : connect({ host: hostToAsk(address.host), port: address.port })
  return new Promise((answer) => {
    const end = (isThere: boolean) => {
      socket.destroy()
      answer(isThere)
    }
    socket.setTimeout(connectMs, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** An address at which one listens is not always one to which one connects. */
const hostToAsk = (host: string) => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
