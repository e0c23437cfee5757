/** Where metrics and log lines are sent: `HOST:PORT`, `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix://PATH[#dgram|#stream]`. */
export type Remote =
  | { readonly kind: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  /** Null: whichever of both listens there. */
  | { readonly kind: 'unix'; readonly path: string; readonly type: 'dgram' | 'stream' | null }

export type RemoteAnswer = { readonly ok: true; readonly remote: Remote } | { readonly ok: false; readonly problem: string }

const statsdPort = 8_125
const syslogPort = 514

/** `HOST[:PORT]`, by UDP, or `unix://PATH` of a datagram socket. */
export function parseStatsdHost(text: string): RemoteAnswer {
  const given = text.trim()
  const path = unixPath(given)
  if (path !== null) return path.includes('#') ? no('a path has no #dgram or #stream here') : unix(path, 'dgram')
  return hostAndPort('udp', given.replace(/^udp:\/\//i, ''), statsdPort)
}

/** Gunicorn's `syslog_addr`: udp:// or tcp:// with a host, or unix:// with a path and, after #, what listens there. */
export function parseSyslogAddress(text: string): RemoteAnswer {
  const given = text.trim()
  const path = unixPath(given)
  if (path !== null) {
    const [, before = '', type = null] = /^(.*?)(?:#(.*))?$/.exec(path) ?? []
    if (type !== null && type !== 'dgram' && type !== 'stream') return no('after # stands dgram or stream')
    return unix(before, type)
  }
  const [, kind, rest = ''] = /^(udp|tcp):\/\/(.*)$/i.exec(given) ?? []
  if (kind === undefined) return no('it begins with udp://, tcp:// or unix://')
  return hostAndPort(kind.toLowerCase() as 'udp' | 'tcp', rest, syslogPort)
}

const unixPath = (text: string): string | null => /^unix:(?:\/\/)?(.*)$/i.exec(text)?.[1] ?? null

function unix(path: string, type: 'dgram' | 'stream' | null): RemoteAnswer {
  if (path === '') return no('unix:// wants a path')
  if (Buffer.byteLength(path) > 107) return no('the path is longer than the 107 bytes a unix socket may have')
  return { ok: true, remote: { kind: 'unix', path, type } }
}

function hostAndPort(kind: 'udp' | 'tcp', text: string, defaultPort: number): RemoteAnswer {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined)
    return no(text.split(':').length > 2 ? 'an IPv6 address is written in brackets, as in [::1]:8125' : 'not HOST:PORT')
  if (/[\s/]/.test(host)) return no('the host is not a name or an address')
  const port = digits === undefined ? defaultPort : Number(digits)
  return port < 1 || port > 65_535 ? no('a port is from 1 to 65535') : { ok: true, remote: { kind, host: host.toLowerCase(), port } }
}

const no = (problem: string): RemoteAnswer => ({ ok: false, problem })
