/** The stash as its users see it: tables of values that all processes of a server share. */
import { encode } from '../wire/codec.ts'
import type { StashOrder } from '../wire/kinds.ts'
import { sessionOf } from './dirty.ts'
import { dirtyError } from './errors.ts'

export interface PutOptions {
  /** The entry is gone after that. */
  readonly ttlMs?: number
}

export interface Stash {
  put(table: string, key: string, value: unknown, options?: PutOptions): Promise<void>
  /** The value, or `fallback` when there is none. */
  get<T = unknown>(table: string, key: string, fallback?: T): Promise<T | undefined>
  delete(table: string, key: string): Promise<boolean>
  /** `pattern`: `*` stands for any run of characters, `?` for one. */
  keys(table: string, pattern?: string): Promise<string[]>
  clear(table: string): Promise<void>
  info(table: string): Promise<{ table: string; size: number; bytes: number } | null>
  ensure(table: string): Promise<void>
  deleteTable(table: string): Promise<boolean>
  tables(): Promise<string[]>
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

/** The stash of the pool that the environment names. */
export const stash: Stash = openStash()
