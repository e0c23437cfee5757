/** What each command's answer looks like to a person. Those without a view of their own are told as names and values. */
import { slotName } from '../../base/slot-name.ts'
import { type CommandName, commandNames } from '../command-table.ts'
import { bytesText, type Column, type Paint, printable, type Row, secondsText, shareText, stateColour, table } from './table.ts'

type View = (data: Row, paint: Paint) => string

const text = (name: string, head = name.toUpperCase()): Column => ({ head, cell: (row) => shown(row[name]) })
const number = (name: string, head = name.toUpperCase()): Column => ({ ...text(name, head), isNumber: true })
const state: Column = { head: 'STATE', cell: (row) => shown(row['state']), colour: stateColour }
const bytes = (name: string, head: string): Column => ({ head, cell: (row) => bytesText(row[name]), isNumber: true })
const seconds = (name: string, head: string): Column => ({ head, cell: (row) => secondsText(row[name]), isNumber: true })
const share = (name: string, head: string): Column => ({ head, cell: (row) => shareText(row[name]), isNumber: true })
const beat: Column = { ...seconds('last_heartbeat', 'LAST BEAT') }
const body = [seconds('for_s', 'FOR'), bytes('memory_bytes', 'MEMORY'), share('utilization', 'LOOP'), number('lag_ms', 'LAG MS')]
const slot: Column = {
  head: 'SLOT',
  cell: (row) => (row['spare'] === true ? slotName(Number(row['slot'])) : shown(row['slot'])),
  isNumber: true,
}
const workerColumns = [number('pid'), slot, number('age'), number('generation', 'GEN'), state, ...body]
const traffic = [number('connections', 'CONNS'), number('active'), number('served')]

const rowsIn = (data: Row, name: string): readonly Row[] => (Array.isArray(data[name]) ? (data[name] as Row[]) : [])

function shown(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(shown).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A table, or a word for its being empty. */
function list(name: string, columns: readonly Column[], none: string): View {
  return (data, paint) => {
    const rows = rowsIn(data, name)
    return rows.length === 0 ? none : table(columns, rows, paint)
  }
}

const views: Partial<Record<CommandName, View>> = {
  'show all': (data, paint) =>
    table([{ head: 'PROCESS', cell: (row) => String(row['process']) }, ...workerColumns, ...traffic], tree(data), paint),
  'show workers': list('workers', [...workerColumns, beat, ...traffic], 'no workers'),
  'show dirty': showDirty,
  'show sidecars': list(
    'sidecars',
    [
      text('name'),
      number('pid'),
      state,
      seconds('for_s', 'FOR'),
      bytes('memory_bytes', 'MEMORY'),
      number('restarts'),
      text('restart'),
      text('command'),
    ],
    'no sidecars: they are commands named in the setting sidecars',
  ),
  'show config': (data) => fields(data),
  'show stats': (data) => fields({ ...data, uptime: secondsText(data['uptime']), memory: bytesText(data['memory_bytes']) }),
  'show listeners': list('listeners', [text('address'), text('type'), number('fd')], 'no listeners'),
  'show machines': list(
    'machines',
    [number('pid'), text('role'), text('actor'), state, seconds('for_s', 'FOR'), text('event'), text('cause')],
    'no charts',
  ),
  'show events': (data, paint) =>
    rowsIn(data, 'events')
      .map((event) => eventLine(event, paint))
      .join('\n') || 'no events',
  'show requests': list(
    'requests',
    [seconds('age_s', 'AGE'), number('pid'), text('role'), number('slot'), number('thread'), text('method'), text('path')],
    'no requests in flight',
  ),
  'show threads': list(
    'threads',
    [
      number('pid'),
      number('slot'),
      number('thread'),
      state,
      number('in_flight', 'IN FLIGHT'),
      number('handled'),
      share('utilization', 'LOOP'),
      bytes('heap_bytes', 'HEAP'),
    ],
    'no threads: they are of worker class gthread',
  ),
  'show queues': list('queues', [text('kind'), text('name'), number('waiting'), number('taken'), number('capacity')], 'no queues'),
  stacks: (data, paint) =>
    rowsIn(data, 'stacks')
      .map((row) => stackText(row, paint))
      .join('\n\n'),
  help: (data) => {
    const commands = Object.entries((data['commands'] ?? {}) as Record<string, string>)
    return commands.map(([form, doc]) => `  ${form}\n      ${doc}`).join('\n')
  },
}

export function viewOf(command: string, data: Row, paint: Paint): string {
  const name = commandNames.find((one) => one === command)
  return (name === undefined ? undefined : views[name])?.(data, paint) ?? fields(data)
}

function fields(data: Row): string {
  const entries = Object.entries(data)
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${printable(shown(value))}`).join('\n')
}

function tree(data: Row): Row[] {
  const workers = rowsIn(data, 'web_workers')
  const dirtyArbiter = data['dirty_arbiter'] as Row | null
  const dirty = rowsIn(data, 'dirty_workers')
  const sidecars = rowsIn(data, 'sidecars')
  const branch = (isLast: boolean) => (isLast ? '└─ ' : '├─ ')
  return [
    { ...(data['arbiter'] as Row), process: `arbiter [${shown(data['name'])}]` },
    ...workers.map((row, at) => ({
      ...row,
      process: `${branch(sidecars.length === 0 && dirtyArbiter === null && at === workers.length - 1)}worker ${shown(row['slot'])}`,
    })),
    ...(dirtyArbiter === null ? [] : [{ ...dirtyArbiter, process: `${branch(sidecars.length === 0)}dirty-arbiter` }]),
    ...dirty.map((row, at) => ({
      ...row,
      process: `${sidecars.length === 0 ? '   ' : '│  '}${branch(at === dirty.length - 1)}dirty-worker ${slot.cell(row)} [${shown(row['apps'])}]`,
    })),
    ...sidecars.map((row, at) => ({ ...row, process: `${branch(at === sidecars.length - 1)}sidecar ${shown(row['name'])}` })),
  ]
}

function showDirty(data: Row, paint: Paint): string {
  if (data['enabled'] !== true) return 'no dirty pool: it is for apps given with --dirty-app'
  const apps = table(
    [
      text('name', 'APP'),
      text('import_path', 'MODULE'),
      number('current_workers', 'WORKERS'),
      number('worker_count', 'LIMIT'),
      number('queued'),
      number('leased', 'TAKEN'),
      number('capacity'),
    ],
    rowsIn(data, 'apps'),
    paint,
  )
  const workers = table([...workerColumns, text('apps'), beat], rowsIn(data, 'workers'), paint)
  return `dirty arbiter ${shown(data['pid'])}\n\n${workers}\n\n${apps}`
}

export function eventLine(event: Row, paint: Paint): string {
  const at = new Date(Number(event['at']))
  const time = `${at.toLocaleTimeString('en-GB', { hour12: false })}.${String(at.getMilliseconds()).padStart(3, '0')}`
  const [from, to] = [event['from'], shown(event['to'])]
  const change = from === null ? to : from === to ? to : `${shown(from)} → ${to}`
  const who = `${String(event['pid']).padStart(7)} ${shown(event['role'])} ${shown(event['actor'])}`
  const cause = event['cause'] === null ? '' : paint(`  ← ${printable(shown(event['cause']))}`, 'dim')
  return `${paint(time, 'dim')} ${printable(who).padEnd(38)} ${paint(printable(change), stateColour({ state: to }))}  ${printable(shown(event['event']))}${cause}`
}

function stackText(row: Row, paint: Paint): string {
  const slot = row['slot'] === null ? '' : ` slot ${shown(row['slot'])}`
  const head = paint(`${shown(row['role'])} ${shown(row['pid'])}${slot}`, 'bold')
  if (row['problem'] !== undefined) return `${head}: ${printable(shown(row['problem']))}`
  const phase = row['phase'] === undefined ? '' : `, ${shown(row['phase'])}`
  const requests = rowsIn(row, 'requests').map(
    ({ method, path, ageMs }) => `  request ${shown(method)} ${printable(shown(path))}, ${secondsText(Number(ageMs) / 1_000)}`,
  )
  const threads = rowsIn(row, 'threads').flatMap(({ thread, where, stack }) => [
    `  thread ${shown(thread)}: ${shown(where)}`,
    ...frames(stack, '      '),
  ])
  return [`${head}: ${shown(row['where'])}${phase}`, ...frames(row['stack'], '    '), ...requests, ...threads].join('\n')
}

const frames = (stack: unknown, indent: string) =>
  Array.isArray(stack) ? stack.map((frame) => `${indent}${printable(String(frame))}`) : []
