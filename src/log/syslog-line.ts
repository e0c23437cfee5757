import { hostname } from 'node:os'
import type { Level } from './level.ts'

export interface SyslogForm {
  readonly format: 'rfc3164' | 'rfc5424'
  /** Number of the facility. */
  readonly facility: number
  /** The program, as in `monoceros.shop`; `.error` or `.access` follows. */
  readonly program: string
  /** False for a socket of this host, where the traditional form has no name of the host. */
  readonly hasHost: boolean
}

const severities: Readonly<Record<Level, number>> = { critical: 2, error: 3, warning: 4, info: 6, debug: 7 }
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** What every syslog daemon takes. */
const lineMaxBytes = 8_192

/**
 * One message, without a newline at its end: RFC 3164 as Gunicorn's lines are (`PROGRAM.error: [PID] text`), or RFC 5424
 * with the same text.
 */
export function syslogLine(form: SyslogForm, log: 'error' | 'access', level: Level, pid: number, text: string, now = new Date()): string {
  const tag = `${form.program}.${log}`
  const head =
    form.format === 'rfc5424' ? newHead(tag, log, pid, now) : `${traditionalTime(now)} ${form.hasHost ? `${shortHost()} ` : ''}${tag}: `
  const line = `${syslogPriority(form, level)}${head}${syslogBody(pid, text)}`
  return Buffer.byteLength(line) <= lineMaxBytes ? line : Buffer.from(line).subarray(0, lineMaxBytes).toString()
}

export const syslogPriority = ({ facility }: SyslogForm, level: Level): string => `<${facility * 8 + severities[level]}>`

/** Further lines of the text follow `#012`, as rsyslog writes a newline, so that a stack stays one message. */
export const syslogBody = (pid: number, text: string): string => `[${pid}] ${text.trimEnd().replaceAll('\n', '#012')}`

function newHead(tag: string, log: string, pid: number, now: Date): string {
  return `1 ${now.toISOString()} ${hostname() || '-'} ${tag.slice(0, 48)} ${pid} ${log} - `
}

const shortHost = (): string => hostname().split('.', 1)[0] || 'localhost'

function traditionalTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = String(date.getDate()).padStart(2)
  return `${months[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** A name with what a tag may hold: the traditional form ends it at the first colon, blank or bracket. */
export function programName(prefix: string): string {
  return `monoceros.${prefix.replaceAll(':', '.').replace(/[^\w.\-/]/g, '_')}`
}
