const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `2026-11-25 14:35:02 +0100`, as Gunicorn's error log has it. */
export const textTime = perSecond((date) => {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${timeOfDay(date)} ${offsetOf(date)}`
})

/** `25/Nov/2026:14:35:02 +0100`, as every access log has it. */
export const commonTime = perSecond((date) => {
  const day = `${two(date.getDate())}/${months[date.getMonth()]}/${date.getFullYear()}`
  return `${day}:${timeOfDay(date)} ${offsetOf(date)}`
})

const isoSecond = perSecond((date) => date.toISOString().slice(0, 20))

/** `2026-11-25T13:35:02.123Z`. */
export function isoTime(nowMs: number): string {
  return `${isoSecond(nowMs)}${String(nowMs % 1_000).padStart(3, '0')}Z`
}

function perSecond(format: (date: Date) => string): (nowMs: number) => string {
  let second = Number.NaN
  let text = ''
  return (nowMs) => {
    const now = Math.floor(nowMs / 1_000)
    if (now !== second) {
      second = now
      text = format(new Date(now * 1_000))
    }
    return text
  }
}

function timeOfDay(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function offsetOf(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const hours = Math.floor(Math.abs(minutes) / 60)
  return `${minutes < 0 ? '-' : '+'}${two(hours)}${two(Math.abs(minutes) % 60)}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
