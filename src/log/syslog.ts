/** Syslog, beside the logs of this process: each line as one message, sent and forgotten. */
import { connect } from 'node:net'
import { MonocerosError } from '../base/errors.ts'
import { parseSyslogAddress, type Remote } from '../base/remote.ts'
import { type Facility, facilityNumber } from '../base/syslog-facilities.ts'
import { type Datagrams, type OnDatagramProblem, udpDatagrams } from '../os/datagrams.ts'
import { lineStream } from '../os/line-streams.ts'
import { hasLogger, loggerProgram } from '../os/logger-program.ts'
import { unixDatagrams } from '../os/unix-datagrams.ts'
import type { Level } from './level.ts'
import { programName, type SyslogForm, syslogBody, syslogLine, syslogPriority } from './syslog-line.ts'
import { type LogRecord, textBody } from './text-line.ts'

export interface SyslogOptions {
  readonly address: string
  readonly prefix: string
  readonly facility: Facility
  readonly format: SyslogForm['format']
  readonly onProblem: OnDatagramProblem
}

export interface Syslog {
  error(record: LogRecord): void
  access(line: string): void
  flush(boxMs?: number): Promise<void>
  close(): void
}

type Kind = 'error' | 'access'
type Send = (kind: Kind, level: Level, text: string) => void

/** @throws MON_SYSLOG when what listens there takes datagrams, and nothing here can send them */
export async function openSyslog(options: SyslogOptions): Promise<Syslog> {
  const remote = await settled(options.address)
  const form: SyslogForm = {
    format: options.format,
    facility: facilityNumber(options.facility),
    program: programName(options.prefix),
    hasHost: remote.kind !== 'unix',
  }
  const { lines, send } =
    remote.kind === 'unix' && remote.type === 'dgram' ? toDatagramSocket(remote.path, form, options) : toRemote(remote, form, options)
  return {
    error: (record) => send('error', record.level, textBody(record, false)),
    access: (line) => send('access', 'info', line),
    flush: async (boxMs) => void (await Promise.all(lines().map((one) => one.flush(boxMs)))),
    close: () => {
      for (const one of lines()) one.close()
    },
  }
}

/** Why lines could not be sent there, or null. */
export async function syslogProblem(address: string): Promise<string | null> {
  const remote = await settled(address)
  if (remote.kind !== 'unix' || remote.type !== 'dgram' || hasLogger()) return null
  const way = unixDatagrams(remote.path)
  way?.close()
  return way === null ? noWay : null
}

const noWay = 'Node cannot send datagrams to a Unix socket, and neither the package koffi nor the program logger is there'

function toRemote(remote: Remote, form: SyslogForm, { onProblem }: SyslogOptions): { lines(): Datagrams[]; send: Send } {
  const isStream = remote.kind !== 'udp'
  const way =
    remote.kind === 'unix'
      ? lineStream({ path: remote.path }, onProblem)
      : remote.kind === 'tcp'
        ? lineStream({ host: remote.host, port: remote.port }, onProblem)
        : udpDatagrams(remote.host, remote.port, onProblem)
  return {
    lines: () => [way],
    send: (kind, level, text) => way.send(`${syslogLine(form, kind, level, process.pid, text)}${isStream ? '\n' : ''}`),
  }
}

function toDatagramSocket(path: string, form: SyslogForm, { address, onProblem }: SyslogOptions): { lines(): Datagrams[]; send: Send } {
  const way = unixDatagrams(path)
  if (way !== null) return { lines: () => [way], send: (kind, level, text) => way.send(syslogLine(form, kind, level, process.pid, text)) }
  // One of them for each tag; it writes the head of the message itself.
  const programs = new Map<Kind, Datagrams>()
  const programOf = (kind: Kind): Datagrams => {
    const program = programs.get(kind) ?? loggerProgram(path, `${form.program}.${kind}`, form.format, onProblem)
    if (program === null) throw new MonocerosError('MON_SYSLOG', { address, problem: noWay })
    programs.set(kind, program)
    return program
  }
  programOf('error')
  return {
    lines: () => [...programs.values()],
    send: (kind, level, text) => programOf(kind).send(`${syslogPriority(form, level)}${syslogBody(process.pid, text)}`),
  }
}

/** Says of a Unix socket what it is, when nobody has: a stream is refused by one of datagrams, and the other way round. */
async function settled(address: string): Promise<Remote> {
  const parsed = parseSyslogAddress(address)
  if (!parsed.ok) throw new MonocerosError('MON_SYSLOG', { address, problem: parsed.problem })
  const { remote } = parsed
  if (remote.kind !== 'unix' || remote.type !== null) return remote
  const isStream = await new Promise<boolean>((resolve) => {
    const socket = connect(remote.path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  return { ...remote, type: isStream ? 'stream' : 'dgram' }
}
