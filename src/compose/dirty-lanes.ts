/** What stands behind a lane of a dirty worker: one thread with one app, and the calls to it. */
import { MessageChannel } from 'node:worker_threads'
import * as Comlink from 'comlink'
import type { LaneEvent, LaneInput, LaneOrder } from '../../machines/lane.ts'
import type { AppThread, Jobs } from '../dirty-worker/jobs.ts'
import { nowMs } from '../ipc/pulse.ts'
import type { DirtyControl, DirtyOpenAnswer, DirtyTask, DirtyThreadHost } from '../lanes/dirty-control.ts'
import type { Log } from '../log/error-log.ts'
import type { EventName } from '../log/events.ts'
import { takeThreadStack } from '../threads/stack.ts'
import type { ThreadEnd, Threads } from '../threads/threads.ts'
import { shutdownPatienceMs } from '../worker/drain.ts'

export interface DirtyLanesHost {
  readonly app: string
  readonly spec: string
  readonly log: Log
  readonly threads: Threads
  readonly jobs: Jobs
  onCannotOpen(answer: Extract<DirtyOpenAnswer, { ok: false }>): void
  /** A thread more, or one less, takes calls. */
  onServing(by: 1 | -1): void
  end(lane: number, why: 'overdue' | 'kill', reason: string, ageMs: number): void
}

export function startDirtyLane(
  input: LaneInput,
  host: DirtyLanesHost,
  report: (event: LaneEvent) => void,
): { obey(order: LaneOrder): void } {
  const { jobs } = host
  const tell = (event: EventName, facts: Readonly<Record<string, unknown>>) =>
    host.log.event(event, { thread: input.lane, app: host.app, ...facts })
  const calls = new MessageChannel()
  const control = new MessageChannel()
  const task: DirtyTask = {
    calls: calls.port2,
    control: control.port2,
    vitals: new SharedArrayBuffer(64),
    orders: { lane: input.lane, app: host.app, spec: host.spec },
  }
  const running = host.threads.start(task, [task.calls, task.control])
  const remote = Comlink.wrap<DirtyControl>(control.port1 as unknown as Comlink.Endpoint)
  let threadId = -1
  let isServing = false
  let isDraining = false
  let isShutDown = false

  const thread: AppThread = {
    lane: input.lane,
    app: host.app,
    port: calls.port1,
    job: null,
    isLeaving: false,
    kill: (why, reason) => host.end(input.lane, why, reason, thread.job === null ? 0 : Math.round(nowMs() - thread.job.startedMs)),
    onFree() {
      if (isDraining && thread.job === null) void shutDown()
    },
  }
  const up: DirtyThreadHost = {
    hello(id) {
      threadId = id
      running.identify(id)
    },
  }
  void remote.open(Comlink.proxy(up)).then((answer) => {
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
    jobs.leave(thread)
    host.onServing(-1)
  }

  function onEnded({ how, error }: ThreadEnd): void {
    const job = thread.job
    if (job !== null && how !== 'terminated') {
      const stack = error instanceof Error && how.startsWith('uncaught') ? { stack: (error.stack ?? '').split('\n') } : {}
      tell('dirty.call-lost', { action: job.head.action, how, ageMs: Math.round(nowMs() - job.startedMs), ...stack })
    }
    // Its successor may boot already: what was lost is told before the place is counted as free.
    jobs.lose(thread, how)
    stopServing()
    calls.port1.close()
    control.port1.close()
    report({ type: 'thread.exited', how, atMs: performance.now(), dice: Math.random() })
  }

  async function shutDown(): Promise<void> {
    if (isShutDown) return
    isShutDown = true
    const answer = await remote.shutDown(shutdownPatienceMs({ graceMs: 0, isQuick: false }, 0))
    if (!answer.ok) tell('thread.shutdown-failed', { problem: answer.error.text })
    report({ type: 'thread.drained' })
  }

  async function show(): Promise<void> {
    stopServing()
    const { job } = thread
    const stack = await takeThreadStack(threadId)
    tell('thread.autopsy', {
      where: stack === null ? 'in native code' : 'in JavaScript',
      action: job?.head.action ?? null,
      ageMs: job === null ? null : Math.round(nowMs() - job.startedMs),
      stack: stack ?? [],
    })
    report({ type: 'thread.autopsied' })
  }

  return {
    obey(order) {
      switch (order.type) {
        case 'serve':
          isServing = true
          jobs.join(thread)
          host.onServing(1)
          break
        case 'drain':
          isDraining = true
          stopServing()
          thread.onFree()
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
  }
}
