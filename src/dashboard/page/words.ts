/** Numbers and moments as people read them. */
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })

export const clockOf = (at: number) => clock.format(at)
export const clockMsOf = (at: number) => `${clock.format(at)}.${String(Math.floor(at % 1_000)).padStart(3, '0')}`
export const dayOf = (at: number) => day.format(at)

export function durationOf(ms: number): string {
  if (ms < 1) return `${Math.max(0, ms).toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const s = ms / 1_000
  if (s < 10) return `${s.toFixed(1)} s`
  if (s < 90) return `${Math.round(s)} s`
  const minutes = Math.floor(s / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

export function bytesOf(bytes: number): string {
  if (bytes === 0) return '–'
  const mib = bytes / 2 ** 20
  return mib < 1_000 ? `${Math.round(mib)} MiB` : `${(mib / 1_024).toFixed(1)} GiB`
}

export const percentOf = (share: number) => `${Math.round(share * 100)} %`

export function numberOf(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1_000)} k`
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} k`
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1)
}
