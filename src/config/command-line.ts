import { parseArgs } from 'node:util'
import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Given } from './layer.ts'
import type { ValueRow } from './row.ts'
import { valueRows } from './settings.ts'

export interface Arguments {
  readonly givens: readonly Given[]
  readonly positionals: readonly string[]
  readonly asks: 'help' | 'version' | null
}

interface Flag {
  readonly row: ValueRow
  /** What a flag without a value means. */
  readonly means: boolean
}

/** Every flag, as typed, with its setting. A boolean can be switched off too, so that a flag can take back what a file says. */
export const flags: ReadonlyMap<string, Flag> = new Map(
  valueRows.flatMap((row) => (row.cli ?? []).flatMap((flag) => [[flag, { row, means: true }] as const, ...negatedOf(row, flag)])),
)

function negatedOf(row: ValueRow, flag: string): (readonly [string, Flag])[] {
  if (row.type.isFlag !== true || row.isCallersOnly === true || !flag.startsWith('--') || flag.startsWith('--no-')) return []
  return [[flag.replace('--', '--no-'), { row, means: false }]]
}

const asking: ReadonlyMap<string, 'help' | 'version'> = new Map([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-v', 'version'],
  ['--version', 'version'],
])

/**
 * Reads a command line, ours or that of MONOCEROS_CMD_ARGS. Repeated lists are joined; other values are not checked here.
 *
 * @throws MonocerosError MON_CLI_UNKNOWN_OPTION and MON_CLI_USAGE
 */
export function readArguments(argv: readonly string[], source: string): Arguments {
  const { tokens } = parseArgs({ args: [...argv], options: nodeOptions(), strict: false, allowPositionals: true, tokens: true })
  const asked = tokens.find((token) => token.kind === 'option' && asking.has(token.rawName))
  if (asked?.kind === 'option') return { givens: [], positionals: [], asks: asking.get(asked.rawName) ?? null }

  const givens: Given[] = []
  const lists = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const flag = flags.get(token.rawName)
    if (flag === undefined) throw unknownOption(token.rawName, source)
    const { row } = flag
    const input = row.type.isFlag === true ? bareValue(flag, token, source) : givenValue(token, source)
    const list = lists.get(row.name)
    if (list !== undefined) list.push(input as string)
    else givens.push({ row, spelled: token.rawName, input: row.type.isList === true ? listFrom(input, row, lists) : input, source })
  }
  return { givens, positionals, asks: null }
}

interface OptionToken {
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function bareValue({ row, means }: Flag, token: OptionToken, source: string): boolean {
  if (token.value === undefined) return means
  const advice = row.isCallersOnly === true ? '' : `; write --no-${longOf(row).slice(2)} to turn it off`
  throw new MonocerosError('MON_CLI_USAGE', { source, problem: `${token.rawName} takes no value${advice}` })
}

function givenValue(token: OptionToken, source: string): string {
  const { rawName, value, inlineValue } = token
  if (value === undefined) throw new MonocerosError('MON_CLI_USAGE', { source, problem: `${rawName} needs a value` })
  // `--pid --workers 4` has lost the path: the next flag is not meant as one. A lone dash and numbers are values.
  if (inlineValue !== true && /^-[^\d.]/.test(value)) {
    const hint = rawName.startsWith('--') ? `; if ${value} is meant, write ${rawName}=${value}` : ''
    throw new MonocerosError('MON_CLI_USAGE', { source, problem: `${rawName} needs a value, and ${value} follows it${hint}` })
  }
  return value
}

function listFrom(input: unknown, row: ValueRow, lists: Map<string, string[]>): string[] {
  const list = [input as string]
  lists.set(row.name, list)
  return list
}

export function longOf(row: ValueRow): string {
  return row.cli?.find((flag) => flag.startsWith('--')) ?? ''
}

function unknownOption(given: string, source: string): MonocerosError {
  const known = [...flags.keys(), ...asking.keys()].filter((flag) => flag.startsWith('--'))
  const bare = (flag: string) => flag.replace(/^--/, '')
  const meant = given.startsWith('--') ? nearest(bare(given), known.map(bare)) : undefined
  const hint = meant === undefined ? '' : ` (did you mean --${meant}?)`
  return new MonocerosError('MON_CLI_UNKNOWN_OPTION', { source, given, hint })
}

/** The flags as node:util wants them; it splits `-w4`, `--opt=value` and `-abc`, and leaves the judging to us. */
function nodeOptions() {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  }
  for (const [flag, { row }] of flags) {
    if (!flag.startsWith('--')) continue
    const short = flag === longOf(row) ? row.cli?.find((other) => !other.startsWith('--'))?.slice(1) : undefined
    options[flag.slice(2)] = { type: row.type.isFlag === true ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) }
  }
  return options
}
