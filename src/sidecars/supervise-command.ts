/** What stands behind the chart of a sidecar: one process of its command, its output, and its end. */
import type { SidecarEvent, SidecarOrder } from '../../machines/sidecar.ts'
import { problemOf } from '../base/errors.ts'
import type { SidecarSetting } from '../config/kinds/sidecar.ts'
import { type ForeignChild, signalProcess } from '../os/foreign.ts'
import { procState } from '../os/proc.ts'
import { killGroup } from '../os/spawn.ts'
import type { Guard } from './guard.ts'
import { createOutput, type OutputStream } from './output.ts'
import { createReadiness } from './readiness.ts'

export interface CommandHost {
  readonly setting: SidecarSetting
  readonly guard: Guard
  /** Absolute. */
  readonly cwd: string
  readonly identity: { readonly uid: number | null; readonly gid: number | null }
  onBooting(pid: number): void
  onLine(pid: number, stream: OutputStream, line: string): void
  onDropped(pid: number, count: number): void
  /** It is late, and about to be killed; what the kernel knows of it. */
  onLate(pid: number, seen: NonNullable<ReturnType<typeof procState>>): void
  /** Before its end is reported. */
  onGone(lastLines: readonly string[]): void
}

export interface CommandSupervision {
  obey(order: SidecarOrder): void
}

/** Output may come after the exit, and from others who have the same streams: it is waited for only for so long. */
const lastOutputPatienceMs = 500

export function superviseCommand(host: CommandHost, report: (event: SidecarEvent) => void): CommandSupervision {
  const { setting, guard, cwd, identity } = host
  const startedMs = performance.now()
  let child: ForeignChild | null = null
  let wanted: 'running' | 'drained' | 'killed' = 'running'
  /** Orders come while it is being started. */
  const wantedNow = (): typeof wanted => wanted
  const pid = () => child?.pid ?? 0
  const readiness = createReadiness(setting.readyWhen, cwd, () =>
    report({ type: 'child.ready', readyMs: Math.round(performance.now() - startedMs) }),
  )
  const output = createOutput({
    onLine: (stream, line) => host.onLine(pid(), stream, line),
    onDropped: (count) => host.onDropped(pid(), count),
    onSeen: readiness.onLine,
    isAwaited: () => readiness.waitsForLine,
  })

  function exited(code: number | null, signal: string | null): void {
    readiness.stop()
    output.end()
    host.onGone(output.lastLines())
    report({ type: 'child.exited', exit: { code, signal, atMs: performance.now(), dice: Math.random() } })
  }

  async function start(): Promise<void> {
    const problem = await readiness.begin()
    if (problem !== null) throw new Error(problem)
    if (wantedNow() !== 'running') return exited(null, null)
    const { command, args, env, stopSignal, gracefulTimeout } = setting
    child = await guard.spawn({
      command,
      args,
      env: { ...process.env, ...env },
      cwd,
      ...identity,
      stopSignal,
      graceMs: gracefulTimeout * 1_000,
    })
    child.process.once('exit', (code, signal) => {
      // What it has started belongs to its process group and goes with it.
      killGroup(pid())
      guard.forget(pid())
      afterLastOutput(child as ForeignChild, () => exited(code, signal))
    })
    child.process.on('error', () => undefined) // a signal that came too late; the exit tells
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => output.take(stream, chunk))
      child[stream].on('error', () => undefined) // it is over then, as at its end
    }
    host.onBooting(pid())
    report({ type: 'child.spawned', pid: pid() })
    const order = wantedNow()
    if (order === 'drained') signalProcess(pid(), stopSignal)
    else if (order === 'killed') killGroup(pid())
    else readiness.onSpawned()
  }

  start().catch((error: unknown) => {
    report({ type: 'child.failed', problem: problemOf(error) })
    exited(null, null)
  })

  return {
    obey(order) {
      readiness.stop()
      if (order.type === 'drain') {
        // Told once more only the grace is shorter.
        if (wanted === 'running' && child !== null) signalProcess(child.pid, setting.stopSignal)
        if (wanted === 'running') wanted = 'drained'
        return
      }
      wanted = 'killed'
      if (child === null) return
      const seen = order.isLate ? procState(child.pid) : null
      if (seen !== null) host.onLate(child.pid, seen)
      killGroup(child.pid)
    },
  }
}

function afterLastOutput({ stdout, stderr }: ForeignChild, then: () => void): void {
  const streams = [stdout, stderr].filter((stream) => !stream.closed)
  let left = streams.length
  const end = () => {
    clearTimeout(timer)
    for (const stream of streams) {
      stream.off('close', count)
      stream.destroy()
    }
    then()
  }
  const count = () => {
    if (--left === 0) end()
  }
  const timer = setTimeout(end, lastOutputPatienceMs)
  for (const stream of streams) stream.once('close', count)
  if (left === 0) end()
}
