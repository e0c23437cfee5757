import { enqueueActions } from 'xstate'

/** What a rule decides: what changes of its chart's context, and what is ordered. */
export interface Decided<Context, Order> {
  readonly context: Partial<Context>
  readonly orders: readonly Order[]
}

/** An action of a chart that carries out what a rule has decided: its changes are assigned, then its orders are given. */
export type Rule<Context, Order> = <P = undefined>(
  decide: (context: Context, params: P) => Decided<Context, Order>,
) => (_: unknown, params: P) => void

/** Makes actions of the rules of a chart. @param actionOf what an order is to XState */
export function ruleWith<Context, Order>(actionOf: (order: Order) => unknown): Rule<Context, Order> {
  return <P>(decide: (context: Context, params: P) => Decided<Context, Order>) => {
    const action = enqueueActions(({ context, enqueue }, params) => {
      const decision = decide(context as Context, params as P)
      enqueue.assign(decision.context as never)
      for (const order of decision.orders) enqueue(actionOf(order) as never)
    })
    return action as unknown as (_: unknown, params: P) => void
  }
}
