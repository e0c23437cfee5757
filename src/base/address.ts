/** Where a listener is: `HOST:PORT`, `[V6]:PORT`, `unix:PATH` or `fd://N` (Gunicorn's `bind` grammar). */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }

export type AddressAnswer = { readonly ok: true; readonly address: Address } | { readonly ok: false; readonly problem: string }

const defaultPort = 8000

/** Reads one `bind` value; a missing port is 8000 and an empty text is 0.0.0.0:8000, as in Gunicorn. */
export function parseAddress(text: string): AddressAnswer {
  const given = text.trim()
  const fd = /^fd:\/\/(.*)$/i.exec(given)
  if (fd) return /^\d{1,6}$/.test(fd[1]!) ? { ok: true, address: { kind: 'fd', fd: Number(fd[1]) } } : no('fd:// wants a number')
  const unix = /^unix:(?:\/\/)?(.*)$/i.exec(given)
  if (unix) {
    const path = unix[1]!
    if (path === '') return no('unix: wants a path')
    // The kernel's sun_path holds 108 bytes, and a longer path would be cut without a word.
    if (Buffer.byteLength(path) > 107) return no('the path is longer than the 107 bytes a unix socket may have')
    return { ok: true, address: { kind: 'unix', path } }
  }
  const bare = given.replace(/^(?:tcp|https?):\/\//i, '')
  if (bare === '') return { ok: true, address: { kind: 'tcp', host: '0.0.0.0', port: defaultPort } }
  const v6 = /^\[([^\]]*)\](?::(.*))?$/.exec(bare)
  if (v6) return tcp(v6[1]!, v6[2])
  const colons = bare.split(':').length - 1
  if (colons > 1) return no('an IPv6 address is written in brackets, as in [::1]:8000')
  const at = bare.indexOf(':')
  return at === -1 ? tcp(bare, undefined) : tcp(bare.slice(0, at) || '0.0.0.0', bare.slice(at + 1))
}

function tcp(host: string, port: string | undefined): AddressAnswer {
  if (port !== undefined && !/^\d+$/.test(port)) return no(`the port is not a number`)
  const number = port === undefined ? defaultPort : Number(port)
  if (number > 65_535) return no('a port is at most 65535')
  if (/[\s/]/.test(host) || host === '') return no('the host is not a name or an address')
  return { ok: true, address: { kind: 'tcp', host: host.toLowerCase(), port: number } }
}

const no = (problem: string): AddressAnswer => ({ ok: false, problem })

/** The text form that `parseAddress` reads back. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  if (address.kind === 'fd') return `fd://${address.fd}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
