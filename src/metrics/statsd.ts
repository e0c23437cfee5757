/** Metrics in the way of statsd: lines gathered into packets. It knows no socket. */
export interface StatsdOptions {
  readonly prefix: string | null
  /** `name:value,...` of DogStatsD; null: none. */
  readonly tags: string | null
  send(packet: string): void
}

export interface Statsd {
  /** Gathered, and told with the next flush. */
  count(name: string, by?: number): void
  gauge(name: string, value: number): void
  timing(name: string, durationMs: number): void
  histogram(name: string, value: number): void
  /** Sends what has been gathered. */
  flush(): void
}

/** What fits into a packet of an Ethernet with room for the headers of IPv6: one that is cut into pieces is easily lost. */
const packetMaxBytes = 1_432

export function createStatsd({ prefix, tags, send }: StatsdOptions): Statsd {
  const before = prefix === null ? '' : `${prefix.replace(/\.+$/, '')}.`
  const after = tags === null ? '' : `|#${tags.replace(/\s*,\s*/g, ',').replace(/[|\r\n]/g, '')}`
  const counts = new Map<string, number>()
  let packet = ''
  let bytes = 0

  function add(line: string): void {
    // Names and tags may be in any alphabet.
    const lineBytes = Buffer.byteLength(line)
    if (packet !== '' && bytes + 1 + lineBytes > packetMaxBytes) sendPacket()
    packet = packet === '' ? line : `${packet}\n${line}`
    bytes += (bytes === 0 ? 0 : 1) + lineBytes
  }

  function sendPacket(): void {
    if (packet !== '') send(packet)
    packet = ''
    bytes = 0
  }

  return {
    count: (name, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
    // A sign before it would make it a change.
    gauge: (name, value) => add(`${before}${name}:${Math.max(0, value)}|g${after}`),
    timing: (name, durationMs) => add(`${before}${name}:${Math.round(durationMs * 1_000) / 1_000}|ms${after}`),
    histogram: (name, value) => add(`${before}${name}:${value}|h${after}`),
    flush() {
      for (const [name, value] of counts) add(`${before}${name}:${value}|c|@1.0${after}`)
      counts.clear()
      sendPacket()
    },
  }
}
