/** Keeps the guard: a small process that outlives a SIGKILL of this one, for as long as it takes to end all sidecars. */
import { countRestart, freshWindow } from '../../machines/restart-window.ts'
import { type ForeignChild, type ForeignSpec, spawnForeign, spawnGuard } from '../os/foreign.ts'

export interface Guard {
  /** Null while there is none. */
  readonly pid: number | null
  /** @throws when there is no shell to start it with */
  spawn(spec: ForeignSpec): Promise<ForeignChild>
  /** It was reaped: its pid may be another's soon. */
  forget(pid: number): void
  /** Workers go by themselves, and are waited for first. */
  watchWorker(pid: number): void
  /** All sidecars are gone. */
  close(): Promise<void>
}

export interface GuardOptions {
  readonly title: string
  /** How long workers are waited for. */
  readonly patienceMs: number
  /** Somebody has killed it, and another knows by now what it knew. */
  onReplaced(signal: string | null, pid: number): void
}

export function createGuard({ title, patienceMs, onReplaced }: GuardOptions): Guard {
  /** By pid, what the guard has to know of it. */
  const wards = new Map<number, string>()
  let present: ReturnType<typeof spawnGuard> | null = null
  let pid: number | null = null
  let isClosed = false
  let window = freshWindow

  function open(): ReturnType<typeof spawnGuard> {
    present ??= start().catch((error: unknown) => {
      present = null
      throw error
    })
    return present
  }

  async function start(): ReturnType<typeof spawnGuard> {
    const child = await spawnGuard(title)
    pid = child.pid
    child.stdin?.on('error', () => undefined) // it died while we wrote; its exit tells
    child.once('exit', (_, signal) => {
      pid = null
      present = null
      if (isClosed) return
      const counted = countRestart(window, { atMs: performance.now(), dice: Math.random(), wasReady: true })
      window = counted.window
      setTimeout(() => {
        if (isClosed) return
        open().then(
          (successor) => onReplaced(signal, successor.pid),
          () => undefined, // without a shell the next sidecar tells
        )
      }, counted.delayMs).unref()
    })
    const known = [`p ${Math.ceil(patienceMs / 100)}\n`, ...wards.values()].join('')
    await new Promise<void>((resolve) => child.stdin?.write(known, () => resolve()))
    return child
  }

  function keep(ward: number, line: string): void {
    wards.set(ward, line)
    void present?.then(
      ({ stdin }) => stdin?.write(line),
      () => undefined,
    )
  }

  return {
    get pid() {
      return pid
    },
    async spawn(spec) {
      const child = await spawnForeign(spec, await open())
      // It has told the guard itself; this is for one that follows.
      keep(child.pid, `+ ${child.pid} ${spec.stopSignal.slice(3)} ${Math.ceil(spec.graceMs / 100)}\n`)
      return child
    },
    forget(ward) {
      if (!wards.delete(ward)) return
      void present?.then(
        ({ stdin }) => stdin?.write(`- ${ward}\n`),
        () => undefined,
      )
    },
    watchWorker: (ward) => keep(ward, `w ${ward}\n`),
    async close() {
      isClosed = true
      const child = await present?.catch(() => null)
      if (child === null || child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      // There is nothing left to be ended.
      child.kill('SIGKILL')
      await gone
    },
  }
}
