/** Carries out what clients ask of the stash. */
import { decode, encode } from '../wire/codec.ts'
import type { StashOrder } from '../wire/kinds.ts'
import type { Stash, StashAnswer } from './stash.ts'

export function answerStash(stash: Stash, order: StashOrder): StashAnswer<unknown> {
  const done = (value: unknown): StashAnswer<unknown> => ({ ok: true, value })
  switch (order.op) {
    case 'put':
      return stash.put(order.table, order.key, encode(order.value), order.ttlMs, order.ifVersion)
    case 'get': {
      const entry = stash.get(order.table, order.key)
      return done(entry === null ? { value: undefined, version: 0 } : { value: decode(entry.value), version: entry.version })
    }
    case 'incr': {
      const before = stash.get(order.table, order.key)
      const present = before === null ? 0 : decode<unknown>(before.value)
      if (typeof present !== 'number') {
        const what = `${order.table}/${order.key}`
        return { ok: false, refusal: { code: 'MON_STASH_NOT_NUMBER', facts: { what } } }
      }
      const put = stash.put(order.table, order.key, encode(present + order.by), order.ttlMs ?? 'same', null)
      return put.ok ? done(present + order.by) : put
    }
    case 'delete':
      return done(stash.delete(order.table, order.key))
    case 'keys':
      return done(stash.keys(order.table, order.pattern))
    case 'clear':
      return done(stash.clear(order.table))
    case 'info':
      return done(stash.info(order.table))
    case 'ensure':
      return done(stash.ensure(order.table))
    case 'deleteTable':
      return done(stash.deleteTable(order.table))
    case 'tables':
      return done(stash.tables())
    case 'exists':
      return done(stash.exists(order.table, order.key))
  }
}
