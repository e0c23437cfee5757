/** The stash as its users see it: tables of values that all processes of a server share. */
import { encode } from '../wire/codec.ts'
import type { StashOrder } from '../wire/kinds.ts'
import { sessionOf } from './dirty.ts'
import { dirtyError } from './errors.ts'

/** How long an entry of the stash lives. */
export interface PutOptions {
  /** The entry is gone after that. */
  readonly ttlMs?: number
}

/**
 * Tables of values that all processes of a server share. They live in the memory of the dirty arbiter, and go with it.
 * Table and key are texts; a value is what structured clone takes. A table is made by the first `put`.
 */
export interface Stash {
  /** Puts a value, in the place of the present one if there is one. */
  put(table: string, key: string, value: unknown, options?: PutOptions): Promise<void>
  /** The value, or `fallback` when there is none. */
  get<T = unknown>(table: string, key: string, fallback?: T): Promise<T | undefined>
  /** False: there was none. */
  delete(table: string, key: string): Promise<boolean>
  /** `pattern`: `*` stands for any run of characters, `?` for one. */
  keys(table: string, pattern?: string): Promise<string[]>
  /** Empties a table. */
  clear(table: string): Promise<void>
  /** How many entries a table has, and how many bytes they are; null when there is no such table. */
  info(table: string): Promise<{ table: string; size: number; bytes: number } | null>
  /** Makes a table, if it is not there. */
  ensure(table: string): Promise<void>
  /** False: there was none. */
  deleteTable(table: string): Promise<boolean>
  tables(): Promise<string[]>
  /** Whether there is such a table; with a key, such an entry. */
  exists(table: string, key?: string): Promise<boolean>
  /** Adds to a number, which starts at 0, in one step. */
  incr(table: string, key: string, by?: number, options?: PutOptions): Promise<number>
  /** Puts the value if the present one is still of that version (0: there is none). */
  compareAndSet(table: string, key: string, version: number, value: unknown, options?: PutOptions): Promise<boolean>
  /** With the version that `compareAndSet` wants; version 0 when there is no such entry. */
  read<T = unknown>(table: string, key: string): Promise<{ value: T | undefined; version: number }>
  /** Makes a new value of the present one, again until nobody has come between. */
  update<T = unknown>(table: string, key: string, make: (value: T | undefined) => T | Promise<T>, options?: PutOptions): Promise<T>
}

/**
 * The stash of a pool, which is reached by its socket.
 *
 * @param socket the socket of the dirty pool; by default that of the environment, as for `stash`
 * @throws DirtyError MON_DIRTY_NO_SOCKET, MON_DIRTY_CONNECTION, MON_DIRTY_CLOSING, MON_STASH_FULL, MON_STASH_NOT_NUMBER from its methods
 */
export function openStash(socket?: string): Stash {
  async function ask<T>(order: StashOrder): Promise<T> {
    checkNames(order)
    return (await (await sessionOf(socket)).stash(order)) as T
  }
  const put = (table: string, key: string, value: unknown, ttlMs: number | undefined, ifVersion: number | null) =>
    ask<number | false>({ op: 'put', table, key, value, ttlMs: ttlMs ?? null, ifVersion })

  const stash: Stash = {
    put: async (table, key, value, options) => void (await put(table, key, value, options?.ttlMs, null)),
    get: async (table, key, fallback) => {
      const { value, version } = await stash.read(table, key)
      return version === 0 ? fallback : (value as never)
    },
    delete: (table, key) => ask({ op: 'delete', table, key }),
    keys: (table, pattern) => ask({ op: 'keys', table, pattern: pattern ?? null }),
    clear: async (table) => void (await ask({ op: 'clear', table })),
    info: (table) => ask({ op: 'info', table }),
    ensure: async (table) => void (await ask({ op: 'ensure', table })),
    deleteTable: (table) => ask({ op: 'deleteTable', table }),
    tables: () => ask({ op: 'tables' }),
    exists: (table, key) => ask({ op: 'exists', table, key: key ?? null }),
    incr: (table, key, by = 1, options) => ask({ op: 'incr', table, key, by, ttlMs: options?.ttlMs ?? null }),
    compareAndSet: async (table, key, version, value, options) => (await put(table, key, value, options?.ttlMs, version)) !== false,
    read: (table, key) => ask({ op: 'get', table, key }),
    async update(table, key, make, options) {
      for (;;) {
        const { value, version } = await stash.read<never>(table, key)
        const next = await make(value)
        if (await stash.compareAndSet(table, key, version, next, options)) return next
      }
    },
  }
  return stash
}

/** The dirty arbiter takes what is none of ours for a stranger, and does not listen any longer. */
function checkNames(order: StashOrder): void {
  for (const name of ['table', 'key'] as const) {
    const value = (order as Partial<Record<typeof name, unknown>>)[name]
    if (name in order && value !== null && typeof value !== 'string')
      throw new TypeError(`${name} of the stash: ${typeof value} is no text`)
  }
  if (order.op !== 'put') return
  try {
    encode(order.value)
  } catch (error) {
    const what = `stash entry ${order.table}/${order.key}`
    throw dirtyError('MON_DIRTY_NOT_SERIALIZABLE', { what, problem: error instanceof Error ? error.message : String(error) }, error)
  }
}

/**
 * The stash of the pool that the environment names, which monoceros sets in its workers.
 *
 * @example
 * // app.ts: monoceros app.ts --dirty-app ./images.ts:ImageApp
 * import type { ServerResponse } from 'node:http'
 * import { stash } from 'monoceros/dirty'
 *
 * export default async (_: unknown, res: ServerResponse) => {
 *   const visits = await stash.incr('counters', 'visits')
 *   await stash.put('last', 'visit', new Date(), { ttlMs: 60_000 })
 *   res.end(`${visits} visits of all workers\n`)
 * }
 */
export const stash: Stash = openStash()
