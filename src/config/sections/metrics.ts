import { parseAddress } from '../../base/address.ts'
import { parseStatsdHost } from '../../base/remote.ts'
import { flag } from '../kinds/choice.ts'
import { whole } from '../kinds/number.ts'
import { text } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

export const metricsRows = [
  {
    name: 'metricsBind',
    section: 'metrics',
    type: { ...text, allowed: 'HOST:PORT', placeholder: 'HOST:PORT' },
    unit: null,
    default: null,
    cli: ['--metrics-bind'],
    gunicorn: null,
    check: metricsBindProblem,
    reload: 'restart',
    doc: 'Serve /metrics (for Prometheus), /ready and /live there, from the arbiter.',
  },
  {
    name: 'minReady',
    section: 'metrics',
    type: whole(1),
    unit: 'workers',
    default: 1,
    cli: ['--min-ready'],
    gunicorn: null,
    reload: 'live',
    doc: 'How many workers must be ready for /ready to say so; never more than are wanted.',
  },
  {
    name: 'statsdHost',
    section: 'metrics',
    type: { ...text, allowed: 'HOST[:PORT] or unix://PATH', placeholder: 'HOST:PORT' },
    unit: null,
    default: null,
    cli: ['--statsd-host'],
    gunicorn: 'statsd_host',
    check: statsdProblem,
    reload: 'respawn',
    doc: 'Send metrics there in the way of statsd, by UDP (port 8125 unless given) or to a Unix datagram socket.',
  },
  {
    name: 'statsdPrefix',
    section: 'metrics',
    type: text,
    unit: null,
    default: null,
    cli: ['--statsd-prefix'],
    gunicorn: 'statsd_prefix',
    reload: 'respawn',
    doc: 'Stands before the names of metrics sent to statsd, with one dot between.',
  },
  {
    name: 'dogstatsdTags',
    section: 'metrics',
    type: { ...text, allowed: 'NAME:VALUE,...', placeholder: 'TAGS' },
    unit: null,
    default: null,
    cli: ['--dogstatsd-tags'],
    gunicorn: 'dogstatsd_tags',
    reload: 'respawn',
    doc: "Tags, with commas between, that every metric sent to statsd carries, in DogStatsD's form.",
  },
  {
    name: 'enableBacklogMetric',
    section: 'metrics',
    type: flag,
    unit: null,
    default: false,
    cli: ['--enable-backlog-metric'],
    gunicorn: 'enable_backlog_metric',
    reload: 'respawn',
    doc: 'Tell too how many connections wait to be accepted at the TCP listeners (Linux).',
  },
] as const satisfies readonly ValueRow[]

function metricsBindProblem(value: string | null): string | null {
  if (value === null) return null
  const parsed = parseAddress(value)
  if (!parsed.ok) return parsed.problem
  if (parsed.address.kind !== 'tcp') return 'not HOST:PORT'
  return /:\d+$/.test(value.trim()) ? null : 'the port is missing'
}

function statsdProblem(value: string | null): string | null {
  if (value === null) return null
  const parsed = parseStatsdHost(value)
  return parsed.ok ? null : parsed.problem
}
