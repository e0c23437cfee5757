import { longOf } from './command-line.ts'
import { type Section, sameAsOf, type ValueRow } from './row.ts'
import { valueRows } from './settings.ts'
import { show } from './show.ts'

const head = `Usage: monoceros [OPTIONS] MODULE[:EXPORT]
       monoceros ctl [COMMAND ...] | replay FILE | statechart [NAME|all]
       monoceros completion bash|zsh|fish | help | version

Serves a Node.js app with an arbiter process that supervises workers.

Examples:
  monoceros ./app.js -w 4                        four workers on 127.0.0.1:8000
  monoceros ./app.js:server -b 0.0.0.0:80        the export called server, on port 80
  monoceros ./app.js -b unix:/run/shop.sock      on a Unix socket, behind a proxy
  monoceros ./app.js --print-config              all settings, and where each comes from

Every option can also be set, the later winning, as MONOCEROS_<NAME> in the environment (--max-requests is
MONOCEROS_MAX_REQUESTS), under "monoceros" in package.json, in monoceros.config.{ts,mts,js,mjs,cjs,json,toml}
(as maxRequests or max_requests), in MONOCEROS_CMD_ARGS, and here.
`

const signals = `
Signals of the arbiter:
  TERM             stop: requests under way end first, within --graceful-timeout
  INT, QUIT        stop at once
  HUP              reload: the configuration and the app, with no request lost
  USR1             open the log files again
  TTIN, TTOU       one worker more, one less
`

const tail = `
Settings, hooks and errors in full: docs/reference in the package.
`

const width = 110
const column = 34

/** The text of --help, made from the table of settings. */
export function helpText(): string {
  const sections = [...new Set(valueRows.filter(({ cli }) => cli !== null).map(({ section }) => section))]
  return head + sections.map(sectionText).join('') + signals + tail
}

function sectionText(section: Section): string {
  const rows = valueRows.filter((row) => row.section === section && row.cli !== null)
  const own = rows.map((row) => entry(flagsText(row), row.doc + defaultText(row)))
  const asks = section === 'config' ? [entry('-h, --help', 'Print this.'), entry('-v, --version', 'Print the version.')] : []
  return `\n${section[0]?.toUpperCase()}${section.slice(1)}:\n${[...own, ...asks].join('')}`
}

function flagsText(row: ValueRow): string {
  const isOn = row.type.isFlag === true && row.default === true
  const flags = (row.cli ?? []).map((flag) => (isOn ? flag.replace(/^--/, '--[no-]') : flag))
  const short = flags[0]?.startsWith('--') === true ? '    ' : ''
  return `${short}${flags.join(', ')} ${row.type.placeholder}`.trimEnd()
}

function defaultText(row: ValueRow): string {
  if (row.type.isFlag === true) return row.default === true ? ' [default: on]' : ''
  const sameAs = valueRows.find(({ name }) => name === sameAsOf(row))
  if (sameAs !== undefined) return ` [default: as ${longOf(sameAs)}]`
  if (row.default === null || (Array.isArray(row.default) && row.default.length === 0)) return ''
  const plain = Array.isArray(row.default) ? row.default.join(', ') : typeof row.default === 'string' ? row.default : show(row.default)
  return ` [default: ${plain}${row.unit === 's' ? ' s' : ''}]`
}

function entry(flags: string, doc: string): string {
  const left = `  ${flags}`
  const lines = wrap(doc, width - column)
  const first = left.length < column - 1 ? [left.padEnd(column) + lines.shift()] : [left]
  return [...first, ...lines.map((line) => ' '.repeat(column) + line)].map((line) => `${line}\n`).join('')
}

function wrap(text: string, room: number): string[] {
  const lines: string[] = []
  // A short default stays in one piece.
  for (const word of text.split(/ (?!\S{1,12}(?: s)?\]$)(?!s\]$)/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
