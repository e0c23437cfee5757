/** What a process tells elsewhere, beside its logs: syslog and statsd. Their code is loaded only where they are wanted. */
import { isDeepStrictEqual } from 'node:util'
import { MonocerosError } from '../base/errors.ts'
import { parseStatsdHost } from '../base/remote.ts'
import type { Settings } from '../config/settings.ts'
import type { LogTap } from '../log/error-log.ts'
import type { EventName } from '../log/events.ts'
import type { Syslog } from '../log/syslog.ts'
import { statsdNames } from '../metrics/names.ts'
import type { Statsd } from '../metrics/statsd.ts'

export interface Remotes {
  /** Hears each line of the error log. */
  readonly hear: LogTap['hear']
  /** Hears each line of the access log. */
  readonly onAccess: ((line: string) => void) | null
  /** Hears of each request when it has ended; status 0: nothing was sent. */
  readonly onRequest: ((status: number, tookMs: number) => void) | null
  readonly statsd: Statsd | null
  /** Hands all that is gathered to the kernel, as far as that can be done at once. */
  flushSync(): void
  flush(): Promise<void>
  close(): void
}

type Tell = (event: EventName, facts: Readonly<Record<string, unknown>>) => void

const statsdEveryMs = 1_000
const countedLevels = new Set(['critical', 'error', 'warning'])

/** @throws MON_SYSLOG, MON_STATSD when they cannot be reached from here at all */
export async function openRemotes(settings: Settings, name: string, tell: Tell): Promise<Remotes> {
  const syslog = settings.syslog ? await syslogOf(settings, name, tell) : null
  const statsd = settings.statsdHost === null ? null : await statsdOf(settings, settings.statsdHost, tell)
  const lines = statsd?.lines ?? null
  return {
    hear:
      syslog === null && lines === null
        ? null
        : (record) => {
            syslog?.error(record)
            if (lines === null || !countedLevels.has(record.level)) return
            lines.count(statsdNames.log(record.err === undefined ? record.level : 'exception'))
          },
    onAccess: syslog === null || settings.disableRedirectAccessToSyslog ? null : syslog.access,
    onRequest: lines === null ? null : (status, tookMs) => countRequest(lines, status, tookMs),
    statsd: lines,
    flushSync: () => lines?.flush(),
    async flush() {
      lines?.flush()
      await Promise.all([syslog?.flush(), statsd?.flush()])
    },
    close() {
      lines?.flush()
      statsd?.close()
      syslog?.close()
    },
  }
}

/** Why nothing could be told there, or null: asked before a configuration is taken. */
export async function remotesProblem(settings: Settings): Promise<MonocerosError | null> {
  if (settings.syslog) {
    const { syslogProblem } = await import('../log/syslog.ts')
    const problem = await syslogProblem(settings.syslogAddr)
    if (problem !== null) return new MonocerosError('MON_SYSLOG', { address: settings.syslogAddr, problem })
  }
  if (settings.statsdHost === null) return null
  try {
    const { close } = await statsdOf(settings, settings.statsdHost, () => undefined)
    close()
    return null
  } catch (error) {
    if (error instanceof MonocerosError) return error
    throw error
  }
}

const syslogSettings = ['syslog', 'syslogAddr', 'syslogPrefix', 'syslogFacility', 'syslogFormat', 'disableRedirectAccessToSyslog'] as const
const statsdSettings = ['statsdHost', 'statsdPrefix', 'dogstatsdTags'] as const

export const tellsSame = (one: Settings, other: Settings): boolean =>
  [...syslogSettings, ...statsdSettings].every((name) => isDeepStrictEqual(one[name], other[name]))

async function syslogOf(settings: Settings, name: string, tell: Tell): Promise<Syslog> {
  const { openSyslog } = await import('../log/syslog.ts')
  const { syslogAddr: address, syslogPrefix, syslogFacility: facility, syslogFormat: format } = settings
  return openSyslog({
    address,
    prefix: syslogPrefix ?? name,
    facility,
    format,
    onProblem: (problem) => tell('remote.failed', { what: 'syslog', address, problem }),
  })
}

async function statsdOf({ statsdPrefix: prefix, dogstatsdTags: tags }: Settings, address: string, tell: Tell) {
  const [{ createStatsd }, { openDatagrams }] = await Promise.all([import('../metrics/statsd.ts'), import('../os/open-datagrams.ts')])
  const parsed = parseStatsdHost(address)
  if (!parsed.ok) throw new MonocerosError('MON_STATSD', { address, problem: parsed.problem })
  const way = openDatagrams(parsed.remote, (problem) => tell('remote.failed', { what: 'statsd', address, problem }))
  if (way === null) {
    throw new MonocerosError('MON_STATSD', {
      address,
      problem: 'Node cannot send datagrams to a Unix socket, and the package koffi is not there',
    })
  }
  const lines = createStatsd({ prefix, tags, send: way.send })
  const timer = setInterval(lines.flush, statsdEveryMs).unref()
  return {
    lines,
    flush: () => way.flush(),
    close() {
      clearInterval(timer)
      // What was flushed just now is still on its way to the kernel.
      void way.flush().then(way.close)
    },
  }
}

function countRequest(lines: Statsd, status: number, tookMs: number): void {
  lines.count(statsdNames.requests)
  if (status !== 0) lines.count(statsdNames.status(status))
  lines.timing(statsdNames.duration, tookMs)
}
