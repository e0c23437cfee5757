/** The whole life inside a thread of a worker: it is given its lane, opens the app, and answers requests until it is ended. */
import { threadId } from 'node:worker_threads'
import * as Comlink from 'comlink'
import { ownMetrics } from '../../app/own-metrics.ts'
import { countBody } from '../../http/body-count.ts'
import { nowMs } from '../../ipc/pulse.ts'
import { claimsIn } from '../../lanes/claims.ts'
import { vitalsIn } from '../../lanes/lane-memory.ts'
import { type Line, openLine } from '../../lanes/line.ts'
import type { ThreadControl, ThreadHost, ThreadTask } from '../../lanes/thread-control.ts'
import { hookFinish } from '../../os/http-internals.ts'
import { createRequests } from '../../thread/requests.ts'
import { startVitals } from '../../thread/vitals.ts'
import { createThreadProgram } from './thread-program.ts'

/** Never settles: the thread is ended from outside, or ends itself. */
export function runThread({ memory, bell, freight, control, orders }: ThreadTask): Promise<never> {
  const program = createThreadProgram(orders)
  if (orders.isBodyCounted) countBody()
  startVitals(vitalsIn(memory.vitals), nowMs)

  const requests = createRequests(() => line, {
    claims: claimsIn(memory.claims),
    concurrency: orders.concurrency,
    keepaliveMs: orders.keepaliveMs,
    isBodyCounted: orders.isBodyCounted,
    serverOf: program.serverOf,
  })
  hookFinish(requests.onFinish)
  const line: Line = openLine({
    outgoing: memory.up,
    incoming: memory.down,
    bell,
    freight,
    onRecord: requests.onRecord,
    onRead: requests.run,
  })

  const exposed: ThreadControl = {
    async open(host) {
      const calls = host as unknown as Comlink.Remote<ThreadHost>
      await calls.hello(threadId)
      return program.open(calls as never)
    },
    shutDown: program.shutDown,
    appMetrics: async () => (await ownMetrics()).flat(),
  }
  Comlink.expose(exposed, control as unknown as Comlink.Endpoint)
  return new Promise(() => undefined)
}
