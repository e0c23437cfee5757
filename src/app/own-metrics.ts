/** The metrics that the app itself keeps with prom-client, when it has that loaded; nothing is loaded for it. */
import { createRequire } from 'node:module'

interface Registry {
  getMetricsAsJSON(): Promise<readonly unknown[]> | readonly unknown[]
}

const place = /[\\/]prom-client[\\/]index\.js$/

/** One list for each copy of prom-client that the app's modules have brought in. */
export async function ownMetrics(): Promise<unknown[][]> {
  const { cache } = createRequire(import.meta.url)
  const registries = Object.entries(cache).flatMap(([path, module]) => {
    const register = place.test(path) ? (module?.exports as { register?: Registry } | undefined)?.register : undefined
    return typeof register?.getMetricsAsJSON === 'function' ? [register] : []
  })
  const lists = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()))
  return lists.map((list) => list.map(portable))
}

/** Only what is told on: what else hangs on it may not be able to cross to another process. */
function portable(metric: unknown): unknown {
  const { name, help, type, aggregator, values } = metric as Record<string, unknown>
  const list = Array.isArray(values) ? (values as Record<string, unknown>[]) : []
  return {
    name,
    help,
    type,
    ...(typeof aggregator === 'string' ? { aggregator } : {}),
    values: list.map(({ value, labels, metricName }) => ({
      value: Number(value),
      labels: Object.fromEntries(Object.entries(labels ?? {}).map(([label, text]) => [label, String(text)])),
      ...(typeof metricName === 'string' ? { metricName } : {}),
    })),
  }
}
