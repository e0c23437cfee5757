/** Makes a command of the words that came: its row, and its arguments by name. */
import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { type ArgumentKind, type ArgumentRow, type CommandName, commandNames, formOf, rowOf } from './command-table.ts'

export type Value = string | number | boolean | null

export interface Command {
  readonly name: CommandName
  readonly values: Readonly<Record<string, Value>>
}

/** @throws MON_CONTROL_USAGE */
export function readCommand(words: readonly string[], now = Date.now()): Command {
  if (words.length === 0) throw new MonocerosError('MON_CONTROL_EMPTY')
  const name = nameIn(words)
  const row = rowOf(name)
  const values: Record<string, Value> = {}
  for (const { name: value, kind } of row.options) values[value] = kind === null ? false : null
  const rest = words.slice(name.split(' ').length)
  const positionals: string[] = []
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!
    const [flag = '', inline] = split(word)
    const option = row.options.find((one) => one.flag === flag)
    if (option === undefined) positionals.push(word)
    else if (option.kind === null) values[option.name] = true
    else values[option.name] = readValue(option.kind, inline ?? rest[++at], flag, name, now)
  }
  for (const [index, argument] of row.arguments.entries()) values[argument.name] = argumentOf(argument, positionals[index], name, now)
  const surplus = positionals[row.arguments.length]
  if (surplus !== undefined) throw usage(name, `what does ${surplus} mean?`)
  return { name, values }
}

function split(word: string): [string, string?] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at !== -1 ? [word.slice(0, at), word.slice(at + 1)] : [word]
}

/** The longest that fits: `show workers` before `show`. */
function nameIn(words: readonly string[]): CommandName {
  for (const length of [2, 1]) {
    const given = words.slice(0, length).join(' ').toLowerCase()
    const name = commandNames.find((one) => one === given)
    if (name !== undefined && words.length >= length) return name
  }
  const given = words.slice(0, 2).join(' ')
  const family = commandNames.filter((one) => one.startsWith(`${words[0]?.toLowerCase()} `))
  const meant = nearest(given, commandNames) ?? nearest(words[0] ?? '', commandNames)
  const hint = meant === undefined ? (family.length === 0 ? '' : ` (there are: ${family.join(', ')})`) : ` (did you mean ${meant}?)`
  throw new MonocerosError('MON_CONTROL_UNKNOWN', { given, hint })
}

function argumentOf({ name, kind, words, isOptional }: ArgumentRow, given: string | undefined, command: CommandName, now: number): Value {
  if (given === undefined) {
    if (isOptional !== true) throw usage(command, `${name} is missing`)
    return kind === 'count' ? 1 : null
  }
  const word = words?.find((one) => one === given.toLowerCase())
  if (word !== undefined) return word
  if (kind === 'text' && words !== undefined) throw usage(command, `${given} is none of ${words.join(', ')}`)
  return readValue(kind, given, name, command, now)
}

const countMax = 10_000
const secondsMax = 600

function readValue(kind: ArgumentKind, given: string | undefined, name: string, command: CommandName, now: number): Value {
  if (given === undefined) throw usage(command, `${name} needs a value`)
  switch (kind) {
    case 'text':
      return given
    case 'time':
      return timeOf(given, now) ?? fail(`${name}: ${given} is no time; allowed: 30s, 10m, 2h, 1d, or 2026-01-31T12:00:00Z`)
    case 'count':
      return wholeIn(given, 1, countMax) ?? fail(`${name}: ${given} is no whole number from 1 to ${countMax}`)
    case 'pid':
      return wholeIn(given, 1, 2 ** 31) ?? fail(`${name}: ${given} is no process id`)
    case 'slot':
      return wholeIn(given, 0, countMax) ?? fail(`${name}: ${given} is no number of a slot`)
    case 'number':
      return wholeIn(given, 0, Number.MAX_SAFE_INTEGER) ?? fail(`${name}: ${given} is no number`)
    case 'seconds': {
      const seconds = /^\d+(\.\d+)?$/.test(given) ? Number(given) : 0
      return seconds > 0 && seconds <= secondsMax ? seconds : fail(`${name}: ${given} is no time in seconds up to ${secondsMax}`)
    }
  }

  function fail(problem: string): never {
    throw usage(command, problem)
  }
}

function wholeIn(given: string, min: number, max: number): number | null {
  const value = /^\d+$/.test(given) ? Number(given) : -1
  return value >= min && value <= max ? value : null
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds since the epoch: of a time, or of so long ago. */
function timeOf(given: string, now: number): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(given) ?? []
  if (amount !== undefined && unit !== undefined) return now - Number(amount) * unitsMs[unit]!
  const at = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN
  return Number.isNaN(at) ? null : at
}

const usage = (command: CommandName, problem: string) =>
  new MonocerosError('MON_CONTROL_USAGE', { command, problem, form: formOf(command) })
