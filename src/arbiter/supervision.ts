/** What stands behind a worker-handle: one child process, its channel, its beats, and its end. */
import type { ChildOrder, HandleEvent, HandleInput } from '../../machines/worker-handle.ts'
import { problemOf } from '../base/errors.ts'
import { lineReader, toLine } from '../ipc/beat-lines.ts'
import { channelToWorker } from '../ipc/channel.ts'
import type { ChildAutopsy } from '../ipc/child-autopsy.ts'
import type { Autopsy, BootOrder, FactFromWatchdog, FactFromWorker, OrderToWatchdog, OrderToWorker } from '../ipc/messages.ts'
import { isForWatchdog } from '../ipc/questions.ts'
import type { Transition } from '../ipc/transition.ts'
import type { ChildOutput } from '../os/child-output.ts'
import { procState } from '../os/proc.ts'
import { type Child, type ChildImage, killGroup, spawnChild } from '../os/spawn.ts'
import { type Asks, createAsks } from './asks.ts'
import type { Roster } from './roster.ts'

export interface Supervised {
  readonly input: HandleInput
  readonly pid: number | null
}

export interface SupervisionHost {
  readonly entryPath: string
  readonly args: readonly string[]
  readonly roster: Roster
  /** May take its time, and may never settle. */
  beforeSpawn(input: HandleInput): Promise<void>
  spawnFacts(input: HandleInput): SpawnFacts
  onBooting(child: Supervised): void
  onLoaded(child: Supervised, kind: string, loadMs: number): void
  onFailed(child: Supervised, error: Extract<FactFromWorker, { type: 'failed' }>['error']): void
  onBlocked(child: Supervised, blockedMs: number, autopsy: Autopsy | null): void
  onAutopsy(child: Supervised, autopsy: Autopsy): void
  onThreads(child: Supervised, fact: Extract<FactFromWorker, { type: 'threads' }>): void
  onDoorWanted(child: Supervised, wanted: Extract<FactFromWorker, { type: 'door.wanted' }>, answer: DoorAnswer): void
  /** By somebody else, or by itself. */
  onKilled?(child: Supervised): void
  onGone(child: Supervised): void
  onReady?(child: Supervised): void
  /** Steps of its charts, and how many it could not send. */
  onTransitions(steps: readonly Transition[], dropped: number): void
  onUncaught?(child: Supervised, fact: Extract<FactFromWorker, { type: 'uncaught' }>): void
  /** What only processes of the dirty pool say. */
  onDirty?(
    child: Supervised,
    fact: Extract<FactFromWorker, { type: 'apps' | 'place' | 'lease.over' | 'reloaded' | 'pool' | 'child' }>,
  ): void
  /** By a child, of what is its own: a thread, or a worker of the dirty pool. */
  onInnerAutopsy?(autopsy: ChildAutopsy): void
}

export interface SpawnFacts {
  readonly boot: BootOrder
  readonly fds: readonly number[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly execPath: string
  readonly output: ChildOutput
  /** How long beats may be missing before the process is held to be frozen; 0 = for ever. */
  readonly frozenMs: number
}

export type DoorAnswer = (order: Extract<OrderToWorker, { type: 'door' }>, handle?: unknown) => void

export interface Supervision {
  obey(order: ChildOrder): void
  send(order: OrderToWorker): void
  readonly ask: Asks['ask']
}

const neverSpawned = { code: null, signal: null } as const

const lastMessagePatienceMs = 500

/** The exit may overtake what the child said before it: that is heard until its channel closes. */
function afterLastMessage(image: ChildImage, then: () => void): void {
  if (!image.connected) {
    then()
    return
  }
  const end = () => {
    clearTimeout(timer)
    image.off('disconnect', end)
    then()
  }
  const timer = setTimeout(end, lastMessagePatienceMs)
  image.once('disconnect', end)
}

export function supervise(from: HandleInput, host: SupervisionHost, report: (event: HandleEvent) => void): Supervision {
  /** As it is now: a spare is given its slot later. */
  let input = from
  let child: Child | null = null
  let isSpawning = false
  let isStruck = false
  let autopsyAskedMs: number | null = null
  const asks = createAsks((asked, ofWorker, patienceMs) => {
    if (ofWorker !== undefined) send({ type: 'ask-worker', pid: ofWorker, patienceMs, ...asked })
    else if (!isForWatchdog(asked.question)) send({ type: 'ask', ...asked })
    else child?.beatPipe.write(toLine({ type: 'ask', ...asked } satisfies OrderToWatchdog))
  })
  const self = (): Supervised => ({ input, pid: child?.pid ?? null })
  const exited = (code: number | null, signal: string | null) =>
    report({ type: 'child.exited', exit: { code, signal, atMs: performance.now(), dice: Math.random() } })

  async function start(): Promise<void> {
    await host.beforeSpawn(input)
    if (isStruck) return
    isSpawning = true
    const { boot, frozenMs, ...spec } = host.spawnFacts(input)
    child = await spawnChild({ entryPath: host.entryPath, args: host.args, ...spec })
    const { image, beatPipe, pid } = child
    const channel = channelToWorker(image)
    image.once('exit', (code, signal) => {
      asks.end()
      // What the app has started belongs to its process group and goes with it.
      killGroup(pid)
      afterLastMessage(image, () => {
        // Nobody was asked to show what it was doing.
        if (signal !== null && !isStruck) host.onKilled?.(self())
        host.onGone(self())
        host.roster.remove(input.age)
        exited(code, signal)
      })
    })
    image.on('error', () => undefined) // a send or kill that came too late; the exit tells
    channel.onMessage((fact) => hear(fact, channel.send, boot))
    beatPipe.on('error', () => undefined) // it died while we wrote; the exit tells
    beatPipe.on('data', lineReader(hearWatchdog))
    host.roster.add({
      age: input.age,
      slot: input.slot,
      generation: input.generation,
      pid,
      startedAt: Date.now(),
      counters: null,
      tallies: null,
      gauges: null,
      threads: [],
      waiting: 0,
      requests: [],
      lastBeatMs: null,
      frozenMs,
      onFrozen,
      send,
      ask: asks.ask,
      letGo: () => beatPipe.end(),
    })
    host.onBooting(self())
    report({ type: 'child.spawned', pid })
    if (isStruck) killGroup(pid)
  }

  function hear(fact: FactFromWorker, send: ReturnType<typeof channelToWorker>['send'], boot: BootOrder): void {
    switch (fact.type) {
      case 'hello':
        send({ type: 'boot', boot })
        break
      case 'loaded':
        host.onLoaded(self(), fact.kind, fact.loadMs)
        report({ type: 'child.loaded', isServable: fact.kind !== 'none' })
        break
      case 'ready':
        host.onReady?.(self())
        // From here on its beats are waited for, the first of them too.
        host.roster.beat(input.age)
        report({ type: 'child.ready', readyMs: fact.readyMs })
        break
      case 'failed':
        // One that is being killed for another reason fails because of that.
        if (!isStruck) host.onFailed(self(), fact.error)
        report({ type: 'child.failed', exitCode: fact.exitCode, problem: fact.error.text })
        break
      case 'recycle':
        report({ type: 'child.recycle', reason: fact.reason, served: fact.served })
        break
      case 'draining':
        report({ type: 'child.draining', problem: fact.problem, atMs: performance.now(), dice: Math.random() })
        break
      case 'drained':
        host.roster.beat(input.age, { ...fact, requests: [] })
        report({ type: 'child.drained', tookMs: fact.tookMs, cutRequests: fact.cutRequests })
        break
      case 'counted':
        host.roster.beat(input.age, fact)
        break
      case 'stuck':
        report({ type: 'child.stuck', problem: fact.problem })
        break
      case 'uncaught':
        host.onUncaught?.(self(), fact)
        break
      case 'transitions':
        host.onTransitions(fact.steps, fact.dropped)
        break
      case 'apps':
      case 'place':
      case 'lease.over':
      case 'reloaded':
      case 'pool':
      case 'child':
        host.onDirty?.(self(), fact)
        break
      case 'answer':
        asks.hear(fact)
        break
      case 'autopsy':
        host.onInnerAutopsy?.(fact.autopsy)
        break
      case 'threads':
        host.roster.keepThreads(input.age, fact.threads, fact.waiting)
        host.onThreads(self(), fact)
        break
      case 'door.wanted':
        host.onDoorWanted(self(), fact, (order, handle) => void send(order, handle))
        break
    }
  }

  function hearWatchdog(fact: FactFromWatchdog): void {
    if (fact.type === 'beat') host.roster.beat(input.age, fact)
    else host.roster.beat(input.age)
    switch (fact.type) {
      case 'beat':
        break
      case 'unblocked':
        host.onBlocked(self(), fact.blockedMs, fact.autopsy)
        break
      case 'silent':
        report({ type: 'child.silent', blockedMs: fact.blockedMs })
        host.onAutopsy(self(), fact.autopsy)
        break
      case 'hung':
        report({ type: 'child.hung', silentMs: fact.silentMs })
        host.onAutopsy(self(), fact.autopsy)
        break
      case 'autopsy':
        autopsyAskedMs = null
        host.onAutopsy(self(), fact.autopsy)
        report({ type: 'child.autopsied' })
        break
      case 'answer':
        asks.hear(fact)
        break
    }
  }

  function onFrozen(silentMs: number): void {
    // Before it is told and killed: a dead process has no state and no children.
    const autopsy = seenFromOutside(silentMs)
    report({ type: 'child.frozen', silentMs })
    host.onAutopsy(self(), autopsy)
  }

  /** All that can be told of a process none of whose threads answers. */
  function seenFromOutside(silentMs: number): Autopsy {
    const kernel = procState(child?.pid ?? 0)
    return {
      where: 'frozen',
      phase: `no thread of it runs${kernel === null ? '' : `, state ${kernel.state}`}`,
      blockedMs: silentMs,
      stack: [],
      requests: [],
      waitChannel: kernel?.waitChannel ?? null,
      children: kernel?.children ?? [],
    }
  }

  function send(order: OrderToWorker): void {
    if (child !== null) channelToWorker(child.image).send(order)
  }

  start().catch((error: unknown) => {
    report({ type: 'child.failed', exitCode: 3, problem: `it could not be started: ${problemOf(error)}` })
    exited(neverSpawned.code, neverSpawned.signal)
  })

  return {
    obey(order) {
      if (order.type === 'strike') {
        isStruck = true
        if (autopsyAskedMs !== null) host.onAutopsy(self(), seenFromOutside(Math.round(performance.now() - autopsyAskedMs)))
        if (child !== null) killGroup(child.pid)
        // Nothing has been started yet, and what is waited for may never come.
        else if (!isSpawning) exited(neverSpawned.code, neverSpawned.signal)
      } else if (order.type === 'promote') {
        input = { ...input, slot: order.slot }
        host.roster.move(input.age, order.slot)
      } else if (child === null) return
      else if (order.type === 'drain') channelToWorker(child.image).send({ ...order })
      else {
        autopsyAskedMs = performance.now()
        child.beatPipe.write(toLine({ type: 'autopsy' } satisfies OrderToWatchdog))
      }
    },
    send,
    ask: asks.ask,
  }
}
