/** The token, for as long as the tab lives. It comes in the part of the address that no server and no log ever sees. */
import { signal } from '@preact/signals'

const key = 'monoceros token'
export const token = signal<string | null>(takeToken())
/** Whether the server has taken it. */
export const canChange = signal(false)

function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given !== null) {
    sessionStorage.setItem(key, given)
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem(key)
}

export function headers(): Record<string, string> {
  return token.value === null ? {} : { authorization: `Bearer ${token.value}` }
}

/** @returns whether it is the right one */
export async function tryToken(given: string | null = token.value): Promise<boolean> {
  if (given === null) return false
  token.value = given
  const isRight = await fetch('/access', { headers: headers() }).then(
    ({ ok }) => ok,
    () => false,
  )
  canChange.value = isRight
  if (isRight) sessionStorage.setItem(key, given)
  else forget()
  return isRight
}

function forget(): void {
  canChange.value = false
  token.value = null
  sessionStorage.removeItem(key)
}

export interface Answer {
  readonly ok: boolean
  readonly text: string
}

export async function command(text: string): Promise<Answer> {
  try {
    const response = await fetch('/command', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers() },
      body: JSON.stringify({ command: text }),
    })
    // Of another arbiter: at each start there is another token.
    if (response.status === 401) forget()
    if (response.headers.get('content-type') !== 'application/json') return { ok: false, text: (await response.text()).trim() }
    const { ok, data } = (await response.json()) as { ok: boolean; data: unknown }
    return { ok, text: wordsOf(data) }
  } catch {
    return { ok: false, text: 'the server cannot be reached' }
  }
}

function wordsOf(data: unknown): string {
  if (typeof data === 'string') return data
  if (typeof data !== 'object' || data === null) return ''
  const { message, error, problem } = data as Record<string, unknown>
  return String(
    message ??
      error ??
      problem ??
      Object.entries(data)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', '),
  )
}
