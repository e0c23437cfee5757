import { assertNever } from '../base/never.ts'
import { flags } from './command-line.ts'
import type { ValueRow } from './row.ts'
import { subCommands } from './sub-commands.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A script that completes options, their choices, paths and sub-commands; all of it is in the script, so a TAB starts no node. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bashScript()
    case 'zsh':
      return zshScript()
    case 'fish':
      return fishScript()
    default:
      return assertNever(shell)
  }
}

interface Option {
  readonly flag: string
  readonly doc: string
  /** What follows the flag: nothing, one of these words, a path, or what only the user knows. */
  readonly value: 'none' | 'path' | 'any' | readonly string[]
}

function options(): Option[] {
  const own = [...flags].map(([flag, { row, means }]) => {
    const doc = means ? firstSentence(row.doc) : `Switch ${flag.replace('--no-', '--')} off`
    return { flag, doc, value: valueKind(row) }
  })
  const asks = [
    ['-h', subCommands.help],
    ['--help', subCommands.help],
    ['-v', subCommands.version],
    ['--version', subCommands.version],
  ] as const
  return [...own, ...asks.map(([flag, doc]) => ({ flag, doc, value: 'none' as const }))]
}

function valueKind(row: ValueRow): Option['value'] {
  if (row.type.isFlag === true) return 'none'
  if (row.type.choices !== undefined) return row.type.choices
  return row.type.isPath === true ? 'path' : 'any'
}

/** As much of it as a menu has room for. */
function firstSentence(doc: string): string {
  const sentence = doc.split(/[.;:](?: |$)| \(/)[0]!
  return sentence.length <= 72 ? sentence : `${sentence.slice(0, 69).trimEnd()}...`
}

function bashScript(): string {
  const words = (list: readonly string[]) => `COMPREPLY=($(compgen -W $'${list.join('\\n')}' -- "$cur"))`
  const files = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
  const all = options()
  const cases = all.flatMap(({ flag, value }) => {
    if (value === 'none') return []
    const offer = value === 'path' ? files : value === 'any' ? ':' : words(value)
    return [`    ${flag}) ${offer}; return ;;`]
  })
  const long = all.map(({ flag }) => flag).filter((flag) => flag.startsWith('--'))
  return `# bash completion of monoceros: source <(monoceros completion bash)
_monoceros() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash takes --opt=value apart at the sign.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  COMPREPLY=()
  case $prev in
${cases.join('\n')}
    completion) ${words(shells)}; return ;;
  esac
  if [[ $cur == -* ]]; then
    ${words(long)}
    return
  fi
  ${files}
  if ((COMP_CWORD == 1)); then COMPREPLY+=($(compgen -W $'${Object.keys(subCommands).join('\\n')}' -- "$cur")); fi
}
complete -F _monoceros monoceros
`
}

function zshScript(): string {
  const quoted = (text: string) => text.replace(/[\\:[\]]/g, '\\$&').replace(/'/g, "'\\''")
  const action = (value: Option['value']) => {
    if (value === 'none') return ''
    if (value === 'path') return ':path:_files'
    return value === 'any' ? ':value: ' : `:value:(${value.join(' ')})`
  }
  const specs = options().map(({ flag, doc, value }) => {
    const takes = value === 'none' ? '' : flag.startsWith('--') ? '=' : '+'
    return `    '*${flag}${takes}[${quoted(doc)}]${action(value)}' \\`
  })
  const words = Object.entries(subCommands).map(([name, doc]) => `'${name}:${quoted(doc)}'`)
  return `#compdef monoceros
# zsh completion of monoceros: monoceros completion zsh > a file named _monoceros in your fpath
_monoceros_first() {
  local -a words_of_ours=(${words.join(' ')})
  _describe command words_of_ours
  _files
}
_monoceros_second() {
  [[ \${words[(r)completion]} == completion ]] && compadd ${shells.join(' ')}
}
_monoceros() {
  _arguments -s \\
${specs.join('\n')}
    '1:app:_monoceros_first' \\
    '2:shell:_monoceros_second'
}
if [[ \${funcstack[1]} == _monoceros ]]; then _monoceros "$@"; else compdef _monoceros monoceros; fi
`
}

function fishScript(): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
  const lines = options().map(({ flag, doc, value }) => {
    const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
    const takes = value === 'none' ? '' : value === 'path' ? ' -r -F' : value === 'any' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`
    return `complete -c monoceros ${name}${takes} -d ${quoted(doc)}`
  })
  const words = Object.entries(subCommands).map(
    ([name, doc]) => `complete -c monoceros -n __fish_is_first_token -a ${name} -d ${quoted(doc)}`,
  )
  return `# fish completion of monoceros: monoceros completion fish > ~/.config/fish/completions/monoceros.fish
${[...lines, ...words].join('\n')}
complete -c monoceros -n '__fish_seen_subcommand_from completion' -f -a '${shells.join(' ')}'
`
}
