/** What the arbiter's rules order, as XState's actions. */
import { cancel, type EventObject, raise, sendTo, spawnChild, stopChild } from 'xstate'
import type { ArbiterContext, Order } from './arbiter-rules.ts'
import { ruleWith } from './rule.ts'

const bootPatienceMs = 5_000
const bindTries = 5
const bindPauseMs = 1_000

const listenerId = (id: string) => `listener.${id}`
/** There is one at a time, and its name is used again like theirs. */
const rollingId = 'rolling.1'

/**
 * Children are addressed by id: a row and its child come and go in one step, so one that is missing is a bug. A target
 * that is looked up and not found would be worse: XState sends to oneself what has no target.
 */
function actionOf(order: Order) {
  switch (order.do) {
    case 'spawn': {
      const { slot, age, generation, actorId } = order.row
      const input = { slot, age, generation, bootTimeoutMs: order.facts.bootTimeoutMs, graceMs: order.facts.graceMs }
      return spawnChild('workerHandle', { id: actorId, input })
    }
    case 'promote':
      return sendTo(order.actorId, { type: 'promote', slot: order.slot } as EventObject)
    case 'stop':
      return sendTo(order.actorId, {
        type: 'stop',
        reason: order.reason,
        graceMs: order.graceMs,
        isQuick: order.isQuick,
      } as EventObject)
    case 'kill':
      return sendTo(order.actorId, { type: 'kill' })
    case 'open':
      return spawnChild('listener', {
        id: listenerId(order.listener.id),
        input: { ...order.listener, triesMax: bindTries, pauseMs: bindPauseMs },
      })
    case 'close':
      return sendTo(listenerId(order.id), { type: 'close' })
    case 'roll': {
      const slots = Array.from({ length: order.candidate.workers }, (_, slot) => slot)
      return spawnChild('rolling', {
        id: rollingId,
        input: { slots, unavailableMax: order.candidate.unavailableMax },
      })
    }
    case 'tell-rolling':
      return sendTo(rollingId, order.event)
    case 'stop-rolling':
      return stopChild(rollingId)
    case 'refill-later':
      return raise({ type: 'slot.refill', slot: order.slot } as EventObject, { id: `refill.${order.slot}`, delay: order.delayMs })
    case 'cancel-refill':
      return cancel(`refill.${order.slot}`)
    case 'watch-boot':
      return raise({ type: 'boot.overdue' }, { id: 'boot.overdue', delay: bootPatienceMs })
    case 'effect':
      return { type: order.name, params: order.params }
  }
}

export const rule = ruleWith<ArbiterContext, Order>(actionOf)
