/** What stands behind a lane of a dirty worker: one thread with one app, and the calls to it. */
import type { LaneEvent, LaneInput, LaneOrder } from '../../../machines/lane.ts'
import type { AppThread, Overseer } from '../../dirty-worker/overseer.ts'
import { threadAutopsy } from '../../ipc/child-autopsy.ts'
import type { Autopsy } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type { DirtyOpenAnswer, DirtyThreadOrders } from '../../lanes/dirty-control.ts'
import { type CallAtWork, dirtyPageIn } from '../../lanes/dirty-page.ts'
import type { Log } from '../../log/error-log.ts'
import type { EventName } from '../../log/events.ts'
import { takeThreadStack } from '../../threads/stack.ts'
import type { ThreadEnd, Threads } from '../../threads/threads.ts'
import type { FromThread } from '../../wire/port-messages.ts'
import { shutdownPatienceMs } from '../../worker/drain.ts'
import type { LookedAt } from '../thread-looks.ts'
import { startDirtyAppThread } from './dirty-app-thread.ts'

export interface DirtyLanesHost {
  readonly orders: DirtyThreadOrders
  /** Of this thread: unique in this process. */
  readonly place: number
  readonly log: Log
  readonly threads: Threads
  readonly overseer: Overseer
  onCannotOpen(answer: Extract<DirtyOpenAnswer, { ok: false }>): void
  onAutopsy(autopsy: Autopsy): void
  onPlace(state: 'open' | 'leaving' | 'gone'): void
  end(lane: number, why: 'overdue' | 'kill', reason: string, ageMs: number): void
}

export interface DirtyLane extends LookedAt {
  obey(order: LaneOrder): void
  /** It takes no more calls; settles when none runs. */
  seeOff(): Promise<void>
}

export function startDirtyLane(input: LaneInput, host: DirtyLanesHost, report: (event: LaneEvent) => void): DirtyLane {
  const { overseer, orders } = host
  const tell = (event: EventName, facts: Readonly<Record<string, unknown>>) =>
    host.log.event(event, { thread: input.lane, app: orders.app, ...facts })
  const { running, remote, words, page: memory, close } = startDirtyAppThread(host.threads, orders)
  let threadId = -1
  let isServing = false
  let isShutDown = false

  const page = dirtyPageIn(memory)
  const ageOf = (call: CallAtWork | null) => (call === null ? 0 : Math.round(nowMs() - call.startedMs))
  const thread: AppThread = {
    place: host.place,
    app: orders.app,
    port: words,
    page,
    kill: (why, reason) => host.end(input.lane, why, reason, ageOf(page.read())),
  }
  words.on('message', (message: FromThread) => {
    if (message.type !== 'hello') return
    threadId = message.threadId
    running.identify(threadId)
  })
  void remote.open().then((answer) => {
    if (answer.ok) {
      report({ type: 'thread.loaded', loadMs: answer.loadMs })
    } else {
      host.onCannotOpen(answer)
      report({ type: 'thread.failed', problem: answer.error.text })
    }
  })
  void running.ended.then(onEnded)

  function stopServing(): void {
    if (!isServing) return
    isServing = false
    host.onPlace('leaving')
  }

  function onEnded({ how, error }: ThreadEnd): void {
    const call = page.read()
    if (call !== null && how !== 'terminated') {
      const stack = error instanceof Error && how.startsWith('uncaught') ? { stack: (error.stack ?? '').split('\n') } : {}
      tell('dirty.call-lost', { action: call.action, how, ageMs: ageOf(call), ...stack })
    }
    stopServing()
    // Its successor may boot already: what was lost is told before the place is counted as free.
    overseer.lose(thread, how)
    host.onPlace('gone')
    close()
    report({ type: 'thread.exited', how, atMs: performance.now(), dice: Math.random() })
  }

  async function shutDown(): Promise<void> {
    if (isShutDown) return
    isShutDown = true
    await overseer.seeOff(thread)
    const answer = await remote.shutDown(shutdownPatienceMs({ graceMs: 0, isQuick: false }, 0))
    if (!answer.ok) tell('thread.shutdown-failed', { problem: answer.error.text })
    report({ type: 'thread.drained' })
  }

  async function show(): Promise<void> {
    stopServing()
    const call = page.read()
    const stack = await takeThreadStack(threadId)
    tell('thread.autopsy', {
      where: stack === null ? 'in native code' : 'in JavaScript',
      action: call?.action ?? null,
      ageMs: call === null ? null : ageOf(call),
      stack: stack ?? [],
    })
    const requests = call === null ? [] : [{ method: 'call', path: `${orders.app}.${call.action}`, ageMs: ageOf(call) }]
    host.onAutopsy(threadAutopsy(input.lane, stack, requests, ageOf(call)))
    report({ type: 'thread.autopsied' })
  }

  return {
    obey(order) {
      switch (order.type) {
        case 'serve':
          isServing = true
          overseer.add(thread)
          host.onPlace('open')
          break
        case 'drain':
          stopServing()
          void shutDown()
          break
        case 'autopsy':
          void show()
          break
        case 'terminate':
          stopServing()
          running.terminate()
          break
      }
    },
    seeOff: () => overseer.seeOff(thread),
    thread: input.lane,
    requests() {
      const call = page.read()
      return call === null ? [] : [{ method: 'CALL', path: `${orders.app}.${call.action}`, ageMs: ageOf(call) }]
    },
    stack: () => takeThreadStack(threadId),
  }
}
