/** One source of the chain: its values, checked, each with the label of where it was set. */
import * as v from 'valibot'
import { MonocerosError } from '../base/errors.ts'
import { isHook, type Row } from './row.ts'
import { show, showShort } from './show.ts'

/** A value as a source gave it. `spelled` is the name or flag that the source used. */
export interface Given {
  readonly row: Row
  readonly spelled: string
  readonly input: unknown
  /** Where it was set, as a person would say it: `MONOCEROS_WORKERS`, `./monoceros.config.ts`, `command line`. */
  readonly source: string
}

export interface Placed {
  readonly value: unknown
  readonly source: string
}

export type Layer = ReadonlyMap<string, Placed>

/**
 * Checks what a source gave.
 *
 * @throws MonocerosError MON_CONFIG_INVALID, or MON_CONFIG_CONFLICT when the source gives one setting two values
 */
export function layerOf(givens: readonly Given[]): Layer {
  const layer = new Map<string, Placed>()
  const first = new Map<string, Given>()
  for (const given of givens) {
    const value = readValue(given)
    const earlier = first.get(given.row.name)
    if (earlier !== undefined && !isSame(layer.get(given.row.name)?.value, value)) throw conflict(earlier, given)
    first.set(given.row.name, given)
    layer.set(given.row.name, { value, source: given.source })
  }
  return layer
}

function readValue({ row, input, source }: Given): unknown {
  if (isHook(row)) {
    if (typeof input === 'function') return input
    throw invalid(row, input, source, 'not a function', 'a function, in a config file that is a module')
  }
  if (input === null && row.default === null) return null
  const result = v.safeParse(row.type.schema, input, { abortPipeEarly: true })
  if (result.success) return result.output
  throw invalid(row, input, source, result.issues[0].message, row.type.allowed)
}

export function invalid(row: Row, value: unknown, source: string, problem: string, allowed: string): MonocerosError {
  return new MonocerosError('MON_CONFIG_INVALID', { source, setting: row.name, value: showShort(value), problem, allowed })
}

function isSame(a: unknown, b: unknown): boolean {
  return typeof a === 'function' ? a === b : show(a) === show(b)
}

function conflict(one: Given, other: Given): MonocerosError {
  const problem = `${spelledWith(one)} and ${spelledWith(other)} contradict each other`
  return new MonocerosError('MON_CONFIG_CONFLICT', { source: other.source, problem })
}

function spelledWith({ row, spelled, input }: Given): string {
  if (!spelled.startsWith('-')) return `${spelled} = ${showShort(input)}`
  const isBare = !isHook(row) && row.type.isFlag === true
  return isBare ? spelled : `${spelled} ${typeof input === 'string' ? input : showShort(input)}`
}
