import { parseAddress } from '../../base/address.ts'
import { path, text } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

export const dashboardRows = [
  {
    name: 'dashboard',
    section: 'dashboard',
    type: { ...text, allowed: 'HOST:PORT or PORT', placeholder: 'HOST:PORT' },
    unit: null,
    default: null,
    cli: ['--dashboard'],
    gunicorn: null,
    check: addressProblem,
    reload: 'restart',
    doc: 'Serve the dashboard there, from the arbiter, with /metrics, /ready and /live; a port alone is on 127.0.0.1. The log tells its URL with the token that changes need.',
  },
  {
    name: 'dashboardToken',
    section: 'dashboard',
    type: { ...text, allowed: 'at least 16 letters, digits and - . _ ~', placeholder: 'TOKEN' },
    unit: null,
    default: null,
    cli: null,
    gunicorn: null,
    check: tokenProblem,
    reload: 'restart',
    doc: 'The token that changes need, and reading too from other machines. Another one is made at each start when neither this nor a file is given; the log does not tell one that was given.',
  },
  {
    name: 'dashboardTokenFile',
    section: 'dashboard',
    type: path,
    unit: null,
    default: null,
    cli: ['--dashboard-token-file'],
    gunicorn: null,
    reload: 'restart',
    doc: 'A file whose first line is that token.',
  },
] as const satisfies readonly ValueRow[]

function addressProblem(value: string | null): string | null {
  if (value === null) return null
  const parsed = parseAddress(dashboardAddress(value))
  if (!parsed.ok) return parsed.problem
  if (parsed.address.kind !== 'tcp') return 'not HOST:PORT'
  return /:\d+$/.test(value.trim()) || /^\d+$/.test(value.trim()) ? null : 'the port is missing'
}

/** A port alone is on loopback: nobody is to open it to others by leaving something out. */
export function dashboardAddress(value: string): string {
  const given = value.trim().replace(/^:(?=\d+$)/, '')
  return /^\d+$/.test(given) ? `127.0.0.1:${given}` : given
}

export function tokenProblem(value: string | null): string | null {
  if (value === null || /^[\w.~-]{16,200}$/.test(value)) return null
  return 'it is no token'
}
