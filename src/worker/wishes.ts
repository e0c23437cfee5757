/** Handles that a worker asks its arbiter for: a listener's again, or what an unmodified program wants to listen to. */
import { MonocerosError } from '../base/errors.ts'
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
  let heldOpen: NodeJS.Timeout | undefined

  /** The channel does not hold the loop, and a program that waits for nothing but its port is not over. */
  function holdWhileWaiting(): void {
    if (waiting.size > 0) heldOpen ??= setInterval(() => undefined, 60_000)
    else {
      clearInterval(heldOpen)
      heldOpen = undefined
    }
  }

  function ask(listenerId: string | null, wish: ListenWish | null): Promise<Granted> {
    const wishId = nextId++
    return new Promise((resolve, reject) => {
      if (!send({ type: 'door.wanted', wishId, listenerId, wish })) return reject(new Error('the arbiter is gone'))
      waiting.set(wishId, { resolve, reject })
      holdWhileWaiting()
    })
  }

  return {
    again: (listenerId) => ask(listenerId, null),
    bind: (wish) => ask(null, wish),
    answer(order, handle) {
      const asker = waiting.get(order.wishId)
      waiting.delete(order.wishId)
      holdWhileWaiting()
      if (order.problem !== null) asker?.reject(MonocerosError.fromData(order.problem))
      else if (order.listener !== null && handle) asker?.resolve({ listener: order.listener, handle })
      else asker?.reject(new Error('the arbiter sent no handle'))
    },
  }
}
