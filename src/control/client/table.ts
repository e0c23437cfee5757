/** Text for people: columns, amounts, colours. */

export type Row = Readonly<Record<string, unknown>>

export interface Column {
  readonly head: string
  cell(row: Row): string
  /** Numbers stand on the right. */
  readonly isNumber?: boolean
  readonly colour?: (row: Row) => Colour | null
}

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold'

const codes: Readonly<Record<Colour, string>> = { green: '32', yellow: '33', red: '31', cyan: '36', dim: '2', bold: '1' }

export type Paint = (text: string, colour: Colour | null) => string

export function painter(hasColours: boolean): Paint {
  return (text, colour) => (hasColours && colour !== null ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text)
}

export function table(columns: readonly Column[], rows: readonly Row[], paint: Paint): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))))
  const widths = columns.map(({ head }, at) => Math.max(head.length, ...cells.map((line) => line[at]?.length ?? 0)))
  const fitted = (text: string, at: number) =>
    columns[at]?.isNumber === true ? text.padStart(widths[at]!) : at === columns.length - 1 ? text : text.padEnd(widths[at]!)
  const head = columns.map((column, at) => paint(fitted(column.head, at), 'dim')).join('  ')
  const lines = cells.map((line, row) =>
    line.map((text, at) => paint(fitted(text, at), columns[at]?.colour?.(rows[row]!) ?? null)).join('  '),
  )
  return [head.trimEnd(), ...lines.map((line) => line.trimEnd())].join('\n')
}

/** What comes from requests and apps must not steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '·')
}

export function bytesText(value: unknown): string {
  const bytes = Number(value)
  if (!(bytes > 0)) return '-'
  const mib = bytes / 2 ** 20
  return mib < 10 ? `${mib.toFixed(1)} MiB` : `${Math.round(mib)} MiB`
}

export function secondsText(value: unknown): string {
  if (typeof value !== 'number') return '-'
  if (value < 10) return `${Math.round(value * 100) / 100} s`
  const whole = Math.round(value)
  const [days, hours, minutes, seconds] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ]
  if (days > 0) return `${days}d ${hours}h`
  if (hours > 0) return `${hours}h ${minutes}m`
  return minutes > 0 ? `${minutes}m ${seconds}s` : `${seconds} s`
}

export const shareText = (value: unknown): string => (typeof value === 'number' ? `${Math.round(value * 100)} %` : '-')

export function stateColour(row: Row): Colour | null {
  const state = String(row['state'])
  if (/(^|\.)killing/.test(state)) return 'red'
  if (/(^|\.)(draining|leaving)/.test(state)) return 'yellow'
  if (/(^|\.)(booting|reloading)/.test(state)) return 'cyan'
  return /^(ready|busy|idle|bound)/.test(state) ? 'green' : null
}
