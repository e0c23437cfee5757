/** Handles that a worker asks its arbiter for: a listener's again, or what an unmodified program wants to listen to. */
import { MonocerosError, type ErrorData } from '../base/errors.ts'
import type { FactFromWorker, ListenerFact, ListenWish, OrderToWorker } from '../ipc/messages.ts'

export interface Granted {
  readonly listener: ListenerFact
  readonly handle: unknown
}

export interface Wishes {
  again(listenerId: string): Promise<Granted>
  bind(wish: ListenWish): Promise<Granted>
  answer(order: Extract<OrderToWorker, { type: 'door' }>, handle: unknown): void
}

export function createWishes(send: (fact: FactFromWorker) => boolean): Wishes {
  const waiting = new Map<number, { resolve(granted: Granted): void; reject(error: Error): void }>()
  let nextId = 1

  function ask(listenerId: string | null, wish: ListenWish | null): Promise<Granted> {
    const wishId = nextId++
    return new Promise((resolve, reject) => {
      waiting.set(wishId, { resolve, reject })
      if (!send({ type: 'door.wanted', wishId, listenerId, wish })) reject(new Error('the arbiter is gone'))
    })
  }

  return {
    again: (listenerId) => ask(listenerId, null),
    bind: (wish) => ask(null, wish),
    answer(order, handle) {
      const asker = waiting.get(order.wishId)
      waiting.delete(order.wishId)
      if (order.problem !== null) asker?.reject(rebuilt(order.problem))
      else if (order.listener !== null && handle) asker?.resolve({ listener: order.listener, handle })
      else asker?.reject(new Error('the arbiter sent no handle'))
    },
  }
}

function rebuilt(problem: ErrorData): MonocerosError {
  return new MonocerosError(problem.code as ConstructorParameters<typeof MonocerosError>[0], problem.facts)
}
