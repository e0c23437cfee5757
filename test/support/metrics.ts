/** Metrics as a test reads them. */
import { ask } from './client.ts'
import type { Running } from './harness.ts'
import { poll } from './poll.ts'

export const metricsArgs = ['--metrics-bind', '127.0.0.1:0'] as const

export async function metricsPort(server: Running): Promise<number> {
  const { address } = await server.until('metrics.listening')
  return Number(String(address).split(':').at(-1))
}

export async function scrape(server: Running): Promise<Metrics> {
  return readMetrics((await ask({ port: await metricsPort(server), path: '/metrics' })).body)
}

/** Scrapes until it fits: a worker's figures come with its beats. */
export function scrapeUntil(server: Running, fits: (metrics: Metrics) => boolean): Promise<Metrics> {
  let last: Metrics | null = null
  return poll(
    async () => {
      last = await scrape(server)
      return fits(last) ? last : null
    },
    () => last?.text ?? 'no metrics',
  )
}

export interface Metrics {
  readonly text: string
  /** 0 where there is no such series. Labels that are not given may be any: all such series are added up. */
  value(name: string, labels?: Readonly<Record<string, string | number>>): number
}

function readMetrics(text: string): Metrics {
  const series = text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels: `,${labels},`, value: Number(value) }]
  })
  return {
    text,
    value: (name, labels = {}) =>
      series
        .filter((one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels.includes(`,${label}="${text}",`)))
        .reduce((sum, { value }) => sum + value, 0),
  }
}
