/** What stands behind a lane's chart: one thread, its lane, and the calls to what runs in it. */
import { MessageChannel } from 'node:worker_threads'
import * as Comlink from 'comlink'
import type { LaneEvent, LaneInput, LaneOrder } from '../../../machines/lane.ts'
import { threadAutopsy } from '../../ipc/child-autopsy.ts'
import type { Autopsy, RequestInFlight } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type {
  OpenAnswer,
  ProgramListen,
  ServerFacts,
  ThreadControl,
  ThreadHost,
  ThreadOrders,
  ThreadTask,
} from '../../lanes/thread-control.ts'
import type { Log } from '../../log/error-log.ts'
import type { EventName } from '../../log/events.ts'
import type { Dispatcher } from '../../threads/dispatcher.ts'
import type { Exchange } from '../../threads/exchange.ts'
import { Lane } from '../../threads/lane.ts'
import { answerInstead } from '../../threads/reply.ts'
import { takeThreadStack } from '../../threads/stack.ts'
import type { ThreadEnd, Threads } from '../../threads/threads.ts'
import { shutdownPatienceMs } from '../../worker/drain.ts'
import { within } from '../deferred.ts'

export interface LanesHost {
  readonly log: Log
  readonly threads: Threads
  readonly dispatcher: Dispatcher
  readonly isHeadKept: boolean
  onAutopsy(autopsy: Autopsy): void
  ordersFor(lane: number): ThreadOrders
  addressOf: ThreadHost['addressOf']
  listen(ordinal: number, wish: ProgramListen, server: ServerFacts): ReturnType<ThreadHost['listen']>
  onOpened(answer: Extract<OpenAnswer, { ok: true }>): void
  onCannotOpen(answer: Extract<OpenAnswer, { ok: false }>, tell: (event: EventName, facts: Readonly<Record<string, unknown>>) => void): void
}

export interface LaneLife {
  readonly lane: Lane
  obey(order: LaneOrder): void
  utilization(): number
  /** Those that it has, longest first as they came. */
  requests(): readonly RequestInFlight[]
  /** Null when it comes to no statement. */
  stack(): Promise<readonly string[] | null>
  /** Null: it does not answer within the patience. */
  appMetrics(patienceMs: number): Promise<unknown[] | null>
}

const requestsToldMax = 20

export function startLane(input: LaneInput, host: LanesHost, report: (event: LaneEvent) => void): LaneLife {
  const { dispatcher } = host
  const orders = host.ordersFor(input.lane)
  const tell = (event: EventName, facts: Readonly<Record<string, unknown>>) => host.log.event(event, { thread: input.lane, ...facts })
  const bell = new MessageChannel()
  const freight = new MessageChannel()
  const control = new MessageChannel()
  const lane = new Lane({
    lane: input.lane,
    concurrency: orders.concurrency,
    isHeadKept: host.isHeadKept,
    ports: { bell: bell.port1, freight: freight.port1 },
    nowMs,
    onProgress() {
      dispatcher.onProgress(lane)
      if (isDraining && lane.inFlight === 0) void shutDown()
    },
  })
  const task: ThreadTask = { memory: lane.memory, bell: bell.port2, freight: freight.port2, control: control.port2, orders }
  const thread = host.threads.start(task, [task.bell, task.freight, task.control])
  const remote = Comlink.wrap<ThreadControl>(control.port1 as unknown as Comlink.Endpoint)
  let threadId = -1
  let listens = 0
  let isDraining = false
  let isShutDown = false

  const up: ThreadHost = {
    hello(id) {
      threadId = id
      thread.identify(id)
    },
    log: (event, facts, stack) => tell(event as EventName, { ...facts, ...(stack === null ? {} : { stack: stack.split('\n') }) }),
    addressOf: host.addressOf,
    listen: (wish, server) => host.listen(listens++, wish, server),
    closed: () => tell('thread.program-closed', {}),
  }
  // The answer of a thread that dies first never comes; its end does.
  void remote.open(Comlink.proxy(up)).then((answer) => {
    if (answer.ok) {
      host.onOpened(answer)
      report({ type: 'thread.loaded', loadMs: answer.loadMs })
    } else {
      host.onCannotOpen(answer, tell)
      report({ type: 'thread.failed', problem: answer.error.text })
    }
  })
  void thread.ended.then(onEnded)

  function onEnded({ how, error }: ThreadEnd): void {
    dispatcher.leave(lane)
    const { unbegun, begun } = lane.end()
    control.port1.close()
    const stack = error instanceof Error && how.startsWith('uncaught') ? { stack: (error.stack ?? '').split('\n') } : {}
    const lost = begun.filter((exchange) => !exchange.isOver)
    if (lost.length > 0 || 'stack' in stack) {
      tell('thread.requests-lost', { count: lost.length, how, requests: facts(lost), ...stack })
    }
    for (const exchange of begun) answerInstead(exchange, 502)
    dispatcher.putBack(unbegun)
    report({ type: 'thread.exited', how, atMs: performance.now(), dice: Math.random() })
  }

  async function shutDown(): Promise<void> {
    if (isShutDown) return
    isShutDown = true
    const answer = await remote.shutDown(shutdownPatienceMs({ graceMs: 0, isQuick: false }, 0))
    if (!answer.ok) tell('thread.shutdown-failed', { problem: answer.error.text })
    report({ type: 'thread.drained' })
  }

  async function showAndAnswer(): Promise<void> {
    dispatcher.leave(lane)
    const stuck = lane.held().filter((exchange) => !exchange.isOver)
    const requests = facts(stuck)
    for (const exchange of stuck) answerInstead(exchange, 504)
    const stack = await takeThreadStack(threadId)
    tell('thread.autopsy', { where: stack === null ? 'in native code' : 'in JavaScript', requests, stack: stack ?? [] })
    host.onAutopsy(threadAutopsy(input.lane, stack, requests, requests[0]?.ageMs ?? 0))
    report({ type: 'thread.autopsied' })
  }

  function facts(exchanges: readonly Exchange[]) {
    const now = nowMs()
    return exchanges.slice(0, requestsToldMax).map(({ req, startedMs }) => ({
      method: req.method ?? '',
      path: req.url?.split('?', 1)[0] ?? '',
      ageMs: Math.round(now - startedMs),
    }))
  }

  return {
    lane,
    utilization: thread.utilization,
    requests: () => facts(lane.held().filter((exchange) => !exchange.isOver)),
    stack: () => takeThreadStack(threadId),
    appMetrics: (patienceMs) => within(patienceMs, remote.appMetrics()).catch(() => null),
    obey(order) {
      switch (order.type) {
        case 'serve':
          dispatcher.join(lane)
          break
        case 'drain':
          isDraining = true
          dispatcher.leave(lane)
          if (lane.inFlight === 0) void shutDown()
          break
        case 'autopsy':
          void showAndAnswer()
          break
        case 'terminate':
          dispatcher.leave(lane)
          thread.terminate()
          break
      }
    },
  }
}
