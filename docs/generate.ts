/** Writes docs/reference from the tables that the code runs on: `npm run docs`. A test fails when a page is stale. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorRow, errorCodes } from '../src/base/error-codes.ts'
import { exitCodes } from '../src/base/exit-codes.ts'
import { envOf, isHook, sameAsOf, type ValueRow } from '../src/config/row.ts'
import { settings, valueRows } from '../src/config/settings.ts'
import { events } from '../src/log/events.ts'
import { apiPage } from './generate-api.ts'
import { controlPage } from './generate-control.ts'
import { machinesPage } from './generate-machines.ts'

const made = '<!-- Made by `npm run docs` from the code; edit the table, not this page. -->\n'

/** Every generated page by its path within docs/reference. */
export function pages(): Readonly<Record<string, string>> {
  return {
    'settings.md': settingsPage(),
    'errors.md': errorsPage(),
    'events.md': eventsPage(),
    'control.md': made + controlPage(),
    'machines.md': made + machinesPage(),
    'api.md': made + apiPage(),
  }
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n')
const code = (text: string) => `\`${text}\``

function shownDefault(row: ValueRow): string {
  if (row.default === null) return 'not set'
  const sameAs = sameAsOf(row)
  if (sameAs !== null) return `that of ${code(sameAs)}`
  const value = Array.isArray(row.default) ? (row.default.length === 0 ? 'none' : row.default.join(' ')) : String(row.default)
  return `${code(value)}${row.unit === null ? '' : ` ${row.unit}`}`
}

function settingsPage(): string {
  const sections = [...new Set(valueRows.map((row) => row.section))]
  const changes = { live: 'a reload, at once', respawn: 'a reload, with the new workers', restart: 'a restart of the arbiter' }
  const parts = sections.map((section) => {
    const rows = valueRows.filter((row) => row.section === section)
    const blocks = rows.map((row) => {
      const facts = [
        ['flag', row.cli === null ? 'none' : row.cli.map(code).join(', ')],
        ['environment', code(envOf(row) ?? '')],
        ['value', row.type.allowed],
        ['default', shownDefault(row)],
        ['Gunicorn', row.gunicorn === null ? 'not there' : code(row.gunicorn)],
        ['takes effect at', changes[row.reload]],
      ]
      return `### ${row.name}\n\n${row.doc}\n\n${table(['', ''], facts as string[][])}`
    })
    return `## ${section[0]?.toUpperCase()}${section.slice(1)}\n\n${blocks.join('\n\n')}`
  })
  const hooks = settings
    .filter(isHook)
    .map((row) => [code(row.name), code(row.gunicorn), row.process, code(`(${row.parameters})`), row.doc])
  return `${made}# Settings

In a config file a setting has this name, or Gunicorn's spelling of it (\`max_requests\`). How the sources are joined is told
in the guide on [configuration](../guide/configuration.md).

${parts.join('\n\n')}

## Hooks

Functions of the config file, sync or async. One that throws is reported as \`hook.failed\` and harms nothing else.

${table(['hook', 'Gunicorn', 'runs in', 'parameters', 'when'], hooks)}
`
}

function errorsPage(): string {
  const rows = (Object.entries(errorCodes) as [string, ErrorRow][]).map(([name, row]) => [
    code(name),
    row.text,
    row.advice,
    String(row.exit),
  ])
  const exits = Object.values(exitCodes).map(({ code: number, meaning }) => [String(number), meaning])
  return `${made}# Errors

A failure has a code, one line that says what is wrong, and one that says what to do. \`{…}\` stands for the facts of the case.

${table(['code', 'what it says', 'what to do', 'exit'], rows)}

## Exit codes

${table(['exit', 'meaning'], exits)}
`
}

function eventsPage(): string {
  const rows = Object.entries(events).map(([name, row]) => [code(name), row.level, row.text, row.doc])
  return `${made}# Log events

Every line of the error log is an event with fields: \`time level event role slot age gen pid\`, then the facts named below,
then \`msg\`, the sentence. On a terminal the sentence comes first. Error: someone must act. Warning: monoceros coped. Info: the
lifecycle.

${table(['event', 'level', 'sentence', 'when'], rows)}
`
}

if (process.argv[1]?.endsWith('generate.ts')) {
  const folder = join(import.meta.dirname, 'reference')
  mkdirSync(folder, { recursive: true })
  for (const [path, text] of Object.entries(pages())) writeFileSync(join(folder, path), text)
}
