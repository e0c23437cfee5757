/** What every part of the dirty arbiter needs: its log, its generations, its children, and the broker with its stash. */
import { join } from 'node:path'
import { createRoster, type Roster } from '../../arbiter/roster.ts'
import type { Supervision } from '../../arbiter/supervision.ts'
import type { Settings } from '../../config/settings.ts'
import { type BrokerServer, createBrokerServer } from '../../dirty-arbiter/broker-server.ts'
import { createDeaths, type Deaths } from '../../dirty-arbiter/deaths.ts'
import { inWorker, workerOf } from '../../dirty-arbiter/places.ts'
import { createStash, type Stash } from '../../dirty-arbiter/stash.ts'
import type { ChannelToArbiter } from '../../ipc/channel.ts'
import type { BootOrder } from '../../ipc/messages.ts'
import { createPulse, type Pulse } from '../../ipc/pulse.ts'
import { createErrorLog, type Log } from '../../log/error-log.ts'
import type { Level } from '../../log/level.ts'
import { setTitle } from '../../os/title.ts'
import { brokerSocket, threadSocket, workerSocket } from '../../wire/socket-path.ts'
import { type ChildRecorder, createChildRecorder } from '../child-recorder.ts'
import type { Remotes } from '../remotes.ts'
import { createDirtyGenerations, type DirtyGenerations } from './dirty-arbiter-generations.ts'

/** A dirty worker, as the broker's wiring has it. */
export interface DirtyChild {
  readonly generation: number
  /** Below 0 while it stands by. */
  slot: number
  /** The slot that it was spawned for, which is part of the names of its sockets. */
  spawnSlot: number
  readonly supervision: Supervision
  /** Those that it is to be called for; it may have loaded more. */
  apps: readonly string[]
  pid: number
  /** Its threads that take calls: their apps by their places in the whole pool. */
  readonly places: Map<number, string>
  isReady: boolean
  /** It has said that it cannot boot, and ends. */
  hasFailed: boolean
}

export interface DirtyScope {
  readonly boot: BootOrder
  readonly settings: Settings
  /** Of the pool's sockets. */
  readonly folder: string
  readonly socketPath: string
  readonly who: { readonly role: 'dirty-arbiter' }
  readonly log: Log
  readonly remotes: Remotes
  readonly pulse: Pulse
  readonly channel: ChannelToArbiter
  readonly recorder: ChildRecorder
  readonly roster: Roster
  readonly generations: DirtyGenerations
  /** By age. */
  readonly children: Map<number, DirtyChild>
  readonly stash: Stash
  readonly deaths: Deaths
  readonly server: BrokerServer
  workersWanted: number
  /** A worker may run no other call. */
  retireSpent(age: number): void
  /** Given at run time, for the present generation. */
  level: Level | null
  showPhase(phase: string | null): void
}

const mib = 2 ** 20

export function createDirtyScope(boot: BootOrder, channel: ChannelToArbiter, remotes: Remotes): DirtyScope {
  const settings = boot.settings as unknown as Settings
  const { folder, apps } = boot.dirty ?? { folder: '', apps: [] }
  const socketPath = join(folder, brokerSocket)
  const who = { role: 'dirty-arbiter' } as const
  const log = createErrorLog({ destination: settings.errorlog, format: settings.logFormat, level: settings.loglevel, who, tap: remotes })
  const children = new Map<number, DirtyChild>()
  const generations = createDirtyGenerations(settings, apps)
  const stash = createStash({ entriesMax: settings.stashEntriesMax, bytesMax: settings.stashBytesMax * mib }, () => performance.now())
  const deaths = createDeaths()
  const scope: DirtyScope = {
    boot,
    settings,
    folder,
    socketPath,
    who,
    log,
    remotes,
    recorder: createChildRecorder({ who: { ...who, slot: null, age: boot.age }, settings, channel, log: () => log }),
    pulse: createPulse(),
    channel,
    roster: createRoster(),
    generations,
    children,
    stash,
    deaths,
    server: createBrokerServer({
      path: socketPath,
      welcome() {
        const { dirtyTimeout, dirtyFrameMax } = generations.current.settings
        return { timeoutMs: dirtyTimeout * 1_000, frameMaxBytes: dirtyFrameMax * mib }
      },
      queueMax: settings.dirtyQueueMax,
      stash,
      deaths,
      addressOf(place) {
        const { pid, spawnSlot } = children.get(workerOf(place)) ?? { pid: 0, spawnSlot: 0 }
        const own = inWorker(place)
        return { path: join(folder, threadSocket(spawnSlot, pid, own)), workerPath: join(folder, workerSocket(spawnSlot, pid)), place: own }
      },
      onSpent: (age) => scope.retireSpent(age),
      revoke: (place, lease, isHolderGone) =>
        children.get(workerOf(place))?.supervision.send({ type: 'revoke', place: inWorker(place), lease, isHolderGone }),
    }),
    workersWanted: generations.current.facts.workers,
    retireSpent: () => undefined,
    level: null,
    showPhase: (phase) => setTitle(`monoceros: dirty-arbiter [${boot.name}]${phase === null ? '' : ` (${phase})`}`),
  }
  return scope
}
