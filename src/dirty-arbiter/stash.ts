/** The stash: named tables in the dirty arbiter's memory, shared by all its callers. Values stay as they were sent: bytes. */
import type { Encoded } from '../wire/codec.ts'
import type { Refusal } from '../wire/kinds.ts'

export interface StashLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

export interface StashEntry {
  readonly value: Encoded
  readonly version: number
}

export type StashAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

export interface Stash {
  /** Creates the table when there is none. `ttlMs` same: what is left of the present entry's. `ifVersion` 0: only when there is no such entry; null: always. @returns the new version, or false when it has another */
  put(table: string, key: string, value: Encoded, ttlMs: number | 'same' | null, ifVersion: number | null): StashAnswer<number | false>
  get(table: string, key: string): StashEntry | null
  delete(table: string, key: string): boolean
  /** `pattern`: `*` stands for any run of characters, `?` for one. */
  keys(table: string, pattern: string | null): string[]
  clear(table: string): void
  info(table: string): { table: string; size: number; bytes: number } | null
  ensure(table: string): void
  deleteTable(table: string): boolean
  tables(): string[]
  exists(table: string, key: string | null): boolean
}

interface Entry extends StashEntry {
  readonly bytes: number
  /** On the clock that the stash was given; null = for ever. */
  readonly expiresMs: number | null
}

export function createStash(limits: StashLimits, nowMs: () => number): Stash {
  const tables = new Map<string, Map<string, Entry>>()
  let entries = 0
  let bytes = 0
  let version = 1

  function remove(table: Map<string, Entry>, key: string): boolean {
    const entry = table.get(key)
    if (entry === undefined) return false
    table.delete(key)
    entries--
    bytes -= entry.bytes
    return true
  }

  function living(name: string, key: string): Entry | null {
    const table = tables.get(name)
    const entry = table?.get(key)
    if (table === undefined || entry === undefined) return null
    if (entry.expiresMs === null || entry.expiresMs > nowMs()) return entry
    remove(table, key)
    return null
  }

  function sweep(): void {
    for (const [name, table] of tables) for (const key of table.keys()) living(name, key)
  }

  function ensure(name: string): Map<string, Entry> {
    const table = tables.get(name) ?? new Map<string, Entry>()
    tables.set(name, table)
    return table
  }

  return {
    put(name, key, value, ttlMs, ifVersion) {
      const before = living(name, key)
      if (ifVersion !== null && (before?.version ?? 0) !== ifVersion) return { ok: true, value: false }
      const size = key.length * 2 + value.meta.byteLength + value.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0)
      const isOver = () => entries + (before === null ? 1 : 0) > limits.entriesMax || bytes - (before?.bytes ?? 0) + size > limits.bytesMax
      if (isOver()) sweep()
      if (isOver()) {
        return {
          ok: false,
          refusal: { code: 'MON_STASH_FULL', facts: { table: name, entriesMax: limits.entriesMax, bytesMax: limits.bytesMax } },
        }
      }
      const table = ensure(name)
      remove(table, key)
      const expiresMs = ttlMs === 'same' ? (before?.expiresMs ?? null) : ttlMs === null ? null : nowMs() + ttlMs
      table.set(key, { value, version: ++version, bytes: size, expiresMs })
      entries++
      bytes += size
      return { ok: true, value: version }
    },
    get: living,
    delete(name, key) {
      const isThere = living(name, key) !== null
      const table = tables.get(name)
      return isThere && table !== undefined && remove(table, key)
    },
    keys(name, pattern) {
      const names = [...(tables.get(name)?.keys() ?? [])].filter((key) => living(name, key) !== null)
      return pattern === null ? names : names.filter((key) => isMatch(pattern, key))
    },
    clear(name) {
      const table = tables.get(name)
      for (const key of [...(table?.keys() ?? [])]) remove(table!, key)
    },
    info(name) {
      const table = tables.get(name)
      if (table === undefined) return null
      for (const key of [...table.keys()]) living(name, key)
      return { table: name, size: table.size, bytes: [...table.values()].reduce((sum, entry) => sum + entry.bytes, 0) }
    },
    ensure: (name) => void ensure(name),
    deleteTable(name) {
      const table = tables.get(name)
      for (const key of [...(table?.keys() ?? [])]) remove(table!, key)
      return tables.delete(name)
    },
    tables: () => [...tables.keys()],
    exists: (name, key) => (key === null ? tables.has(name) : living(name, key) !== null),
  }
}

/** Not by a regular expression: with many stars that may take for ever. */
function isMatch(pattern: string, key: string): boolean {
  let at = 0
  let index = 0
  let star = -1
  let starAt = 0
  while (at < key.length) {
    const sign = pattern[index]
    if (sign === '*') {
      star = index++
      starAt = at
    } else if (sign === '?' || sign === key[at]) {
      index++
      at++
    } else if (star !== -1) {
      // The last star takes one more; an earlier one need not, as whatever it could take this one can.
      index = star + 1
      at = ++starAt
    } else return false
  }
  return /^\**$/.test(pattern.slice(index))
}
