/** The command line of monocerosctl. What follows the first word of a command belongs to the command. */
import { MonocerosError } from '../../base/errors.ts'
import { shellSplit } from '../../config/shell-split.ts'

export interface CtlArguments {
  readonly socket: string | null
  readonly isJson: boolean
  readonly asks: 'help' | 'version' | null
  /** Null: interactive. */
  readonly words: readonly string[] | null
}

/** @throws MON_CONTROL_CTL */
export function readCtlArguments(argv: readonly string[]): CtlArguments {
  let socket: string | null = null
  let isJson = false
  let words: string[] | null = null
  let at = 0
  const valueOfFlag = (flag: string, inline: string | undefined): string => {
    const value = inline ?? argv[++at]
    if (value === undefined) throw usage(`${flag} needs a value`)
    return value
  }
  for (; at < argv.length; at++) {
    const [flag = '', inline] = splitFlag(argv[at]!)
    if (flag === '-h' || flag === '--help') return { socket, isJson, asks: 'help', words: null }
    if (flag === '-v' || flag === '--version') return { socket, isJson, asks: 'version', words: null }
    if (flag === '-s' || flag === '--socket') socket = valueOfFlag(flag, inline)
    else if (flag === '-c' || flag === '--command') words = shellSplit(valueOfFlag(flag, inline), '-c')
    else if (flag === '-j' || flag === '--json') isJson = true
    else if (flag.startsWith('-')) throw usage(`unknown option ${flag}`)
    else break
  }
  const rest = argv.slice(at)
  if (rest.length > 0 && words !== null) throw usage(`the command is given twice: with -c, and as ${rest[0]}`)
  if (rest.length > 0) words = rest.filter((word) => !isJsonFlag(word))
  return { socket, isJson: isJson || rest.some(isJsonFlag), asks: null, words }
}

const isJsonFlag = (word: string) => word === '-j' || word === '--json'

function splitFlag(word: string): [string, string?] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at !== -1 ? [word.slice(0, at), word.slice(at + 1)] : [word]
}

const usage = (problem: string) => new MonocerosError('MON_CONTROL_CTL', { problem })
