/** What every part of a worker process needs: who it is, its settings, its log, its hooks and its line to the arbiter. */
import { problemOf } from '../../base/errors.ts'
import type { Hooks, WorkerFacts } from '../../config/hook-types.ts'
import type { Settings } from '../../config/settings.ts'
import type { Channel } from '../../ipc/channel.ts'
import type { BootOrder, FactFromWorker, OrderToWorker } from '../../ipc/messages.ts'
import { createPulse, type Pulse } from '../../ipc/pulse.ts'
import { type AccessLog, createAccessLog } from '../../log/access-log.ts'
import { createErrorLog, type Log, type Who } from '../../log/error-log.ts'
import { type ChildRecorder, createChildRecorder } from '../child-recorder.ts'
import { hookLog } from '../hook-log.ts'
import type { Remotes } from '../remotes.ts'

export type WorkerRole = 'worker' | 'dirty-worker'

export interface WorkerScope {
  readonly role: WorkerRole
  readonly boot: BootOrder
  /** One object, which the log has too: a dirty worker that stood by is given another slot. */
  readonly who: Who & { slot: number }
  readonly settings: Settings
  /** How long what is under way may take when it is told to go. */
  readonly graceMs: number
  readonly log: Log
  readonly accessLog: AccessLog | null
  readonly remotes: Remotes
  readonly recorder: ChildRecorder
  readonly pulse: Pulse
  readonly channel: Channel<FactFromWorker, OrderToWorker>
  /** Names of the apps that a dirty worker has. */
  apps: readonly string[]
  hooks: Hooks
  facts(): WorkerFacts
  /** Calls a hook and waits for it; one that throws is reported and goes no further. */
  runHook(name: keyof Hooks, ...more: unknown[]): Promise<void>
  hookFailed(hook: string, error: unknown): void
  /** Asks, once, for a successor. */
  recycle(reason: string): void
}

export function createWorkerScope(boot: BootOrder, channel: WorkerScope['channel'], role: WorkerRole, remotes: Remotes): WorkerScope {
  // The arbiter has validated it; only the type was lost on the way.
  const settings = boot.settings as unknown as Settings
  const who = { role, slot: boot.slot, age: boot.age, gen: boot.generation }
  const log = createErrorLog({ destination: settings.errorlog, format: settings.logFormat, level: settings.loglevel, who, tap: remotes })
  const pulse = createPulse()
  let hasAsked = false
  const scope: WorkerScope = {
    role,
    graceMs: (role === 'worker' ? settings.gracefulTimeout : settings.dirtyGracefulTimeout) * 1_000,
    boot,
    who,
    settings,
    log,
    recorder: createChildRecorder({ who: { role, slot: boot.slot, age: boot.age }, settings, channel, log: () => log }),
    pulse,
    channel,
    apps: boot.dirty?.apps.map(({ name }) => name) ?? [],
    hooks: {},
    remotes,
    accessLog:
      role !== 'worker' || (settings.accesslog === null && remotes.onAccess === null)
        ? null
        : createAccessLog({
            destination: settings.accesslog,
            format: settings.accessLogFormat,
            onProblem: (name, facts) => log.event(name, facts),
            hear: remotes.onAccess,
          }),
    facts: () => ({
      pid: process.pid,
      ppid: boot.arbiterPid,
      slot: who.slot,
      age: boot.age,
      generation: boot.generation,
      served: pulse.get('served'),
      log: hookLog(log),
    }),
    async runHook(name, ...more) {
      try {
        await (scope.hooks[name] as ((...args: unknown[]) => unknown) | undefined)?.(scope.facts(), ...more)
      } catch (error) {
        scope.hookFailed(name, error)
      }
    },
    hookFailed: (hook, error) => log.event('hook.failed', { hook, problem: problemOf(error) }, error),
    recycle(reason) {
      if (hasAsked) return
      hasAsked = true
      channel.send({ type: 'recycle', reason, served: pulse.get('served') })
    },
  }
  return scope
}
