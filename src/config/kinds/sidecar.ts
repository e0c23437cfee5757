import { parseAddress } from '../../base/address.ts'
import { nearest } from '../../base/nearest.ts'
import { isRecord, kindOf } from '../entries.ts'
import { snakeOf } from '../row.ts'

/** What says that a sidecar can be counted on. */
export type SidecarReadyWhen =
  /** It has not ended a moment after its start. */
  | 'started'
  /** A line of its output matches this regular expression. */
  | { readonly line: string }
  /** Somebody can connect there: `HOST:PORT` or `unix:PATH`. */
  | { readonly listens: string }
  /** This file exists, and not only from before. */
  | { readonly file: string }

/** A foreign command that runs beside the workers, as a config file has it. */
export interface Sidecar {
  /** Unique; small letters, digits and `-`. */
  readonly name: string
  /** Found on the PATH, or a path, relative to `cwd`. It has to stay in the foreground. */
  readonly command: string
  readonly args?: readonly string[]
  /** Added to the environment of the arbiter. */
  readonly env?: Readonly<Record<string, string>>
  /** Relative to the working directory of the server. */
  readonly cwd?: string
  /** Whether it is started again when it ends: always (default), unless its exit code is 0, or never. */
  readonly restart?: 'always' | 'on-failure' | 'never'
  /** Default: `started`. */
  readonly readyWhen?: SidecarReadyWhen
  /** How long it may take to get ready, in seconds; default 30. */
  readonly bootTimeout?: number
  /** How long it may take to end after its stopSignal, in seconds; default 10. */
  readonly gracefulTimeout?: number
  /** Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
}

export type SidecarSetting = Readonly<Required<Omit<Sidecar, 'cwd'>>> & { readonly cwd: string | null }

export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const
export const restarts = ['always', 'on-failure', 'never'] as const
export const readyWords = 'started, { line: REGEXP }, { listens: HOST:PORT or unix:PATH } or { file: PATH }'

const timerMaxS = 2_147_483

class Refused extends Error {}
const refuse = (problem: string): never => {
  throw new Refused(problem)
}

export type SidecarsAnswer = { readonly ok: true; readonly sidecars: SidecarSetting[] } | { readonly ok: false; readonly problem: string }

/** Reads the list as a file, or as JSON the environment, has it; whatever is wrong names the sidecar and the field. */
export function readSidecars(given: unknown): SidecarsAnswer {
  try {
    const list = typeof given === 'string' ? parsed(given) : given
    if (!Array.isArray(list)) return { ok: false, problem: `it is ${kindOf(list)}, not a list` }
    const sidecars = list.map((one, at) => within(`sidecar ${nameIn(one) ?? at + 1}`, () => readOne(one)))
    const twice = sidecars.find(({ name }, at) => sidecars.findIndex((other) => other.name === name) < at)
    if (twice !== undefined) return { ok: false, problem: `two sidecars are called ${twice.name}` }
    return { ok: true, sidecars }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.message }
    throw error
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse('not a list, nor one in JSON')
  }
}

const nameIn = (one: unknown): string | null =>
  isRecord(one) && typeof one['name'] === 'string' && one['name'] !== '' ? one['name'] : null

/** Puts the place before what is wrong there. */
function within<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof Refused ? new Refused(`${place}: ${error.message}`) : error
  }
}

const readers = {
  name: (value: unknown) => shaped(value, /^[a-z0-9-]{1,40}$/, 'not made of at most 40 small letters, digits and -'),
  command: text,
  args: (value: unknown) => (Array.isArray(value) ? value.map(anyText) : refuse(`is ${kindOf(value)}, not a list of texts`)),
  env: readEnv,
  cwd: text,
  restart: (value: unknown) => word(value, restarts),
  readyWhen,
  bootTimeout: seconds,
  gracefulTimeout: seconds,
  stopSignal: (value: unknown) => word(typeof value === 'string' && /^(?!SIG)[A-Z]/i.test(value) ? `SIG${value}` : value, stopSignals),
} as const

const defaults = {
  args: [],
  env: {},
  cwd: null,
  restart: 'always',
  readyWhen: 'started',
  bootTimeout: 30,
  gracefulTimeout: 10,
  stopSignal: 'SIGTERM',
} as const

const fieldNames = Object.keys(readers) as (keyof typeof readers)[]

function readOne(given: unknown): SidecarSetting {
  if (!isRecord(given)) return refuse(`is ${kindOf(given)}, not an object`)
  const fields: Record<string, unknown> = { ...defaults }
  for (const [spelled, value] of Object.entries(given)) {
    const field = fieldNames.find((name) => name === spelled || snakeOf(name) === spelled)
    if (field === undefined) return refuse(unknownWord('field', spelled, fieldNames))
    if (value !== undefined) fields[field] = within(field, () => readers[field](value))
  }
  for (const needed of ['name', 'command']) if (fields[needed] === undefined) refuse(`it has no ${needed}`)
  return fields as unknown as SidecarSetting
}

function anyText(value: unknown): string {
  if (typeof value !== 'string') return refuse(`${show(value)} is not a text`)
  return value.includes('\0') ? refuse('holds a NUL character') : value
}

function text(value: unknown): string {
  return anyText(value) === '' ? refuse('empty') : (value as string)
}

const show = (value: unknown) => (typeof value === 'object' && value !== null ? kindOf(value) : String(value))
const shaped = (value: unknown, shape: RegExp, problem: string): string => (shape.test(text(value)) ? (value as string) : refuse(problem))

function word<const Words extends readonly string[]>(value: unknown, words: Words): Words[number] {
  return words.find((one) => one === value) ?? refuse(`${unknownWord('value', String(value), words)}; it is ${words.join(', ')}`)
}

function unknownWord(what: string, given: string, words: readonly string[]): string {
  const meant = nearest(given, words)
  return `unknown ${what} ${given}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`
}

function seconds(value: unknown): number {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  const number = isNumber ? Number(value) : Number.NaN
  return number >= 0.001 && number <= timerMaxS ? number : refuse(`${show(value)} is not seconds from 0.001 to ${timerMaxS}`)
}

function readEnv(value: unknown): Record<string, string> {
  if (!isRecord(value)) return refuse(`is ${kindOf(value)}, not an object of texts`)
  const entries = Object.entries(value).map(([name, one]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`${name} is no name of a variable`)
    return [name, within(name, () => anyText(typeof one === 'number' ? String(one) : one))]
  })
  return Object.fromEntries(entries)
}

function readyWhen(value: unknown): SidecarReadyWhen {
  if (value === 'started') return value
  if (!isRecord(value)) return refuse(`${show(value)} is none of ${readyWords}`)
  const [[kind, given] = [], ...more] = Object.entries(value)
  if (kind === undefined || more.length > 0) return refuse(`one of ${readyWords}`)
  switch (kind) {
    case 'line':
      return { line: within(kind, () => expression(given)) }
    case 'listens':
      return { listens: within(kind, () => address(given)) }
    case 'file':
      return { file: within(kind, () => text(given)) }
    default:
      return refuse(unknownWord('field', kind, ['line', 'listens', 'file']))
  }
}

function expression(value: unknown): string {
  const source = text(value)
  try {
    new RegExp(source)
    return source
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function address(value: unknown): string {
  const given = text(value)
  const parsed = parseAddress(given)
  if (!parsed.ok) return refuse(`${given}: ${parsed.problem}`)
  const isThere = parsed.address.kind === 'unix' || (parsed.address.kind === 'tcp' && parsed.address.port !== 0 && /:\d+$/.test(given))
  return isThere ? given : refuse(`${given} is neither HOST:PORT nor unix:PATH`)
}
