/** The head of a request as one text: a text costs a fraction of what an array of texts does on its way to another thread. */
const separator = '\0'

/** Where a connection comes from and arrived; null where the socket does not know. */
export interface Ends {
  readonly remoteAddress: string | null
  readonly remotePort: number | null
  readonly localAddress: string | null
  readonly localPort: number | null
}

/** No field may contain the separator: the parser refuses it in a head. */
export function packEnds({ remoteAddress, remotePort, localAddress, localPort }: Ends): string {
  return `${remoteAddress ?? ''}${separator}${remotePort ?? ''}${separator}${localAddress ?? ''}${separator}${localPort ?? ''}`
}

export function packHead(method: string, url: string, ends: string, rawHeaders: readonly string[]): string {
  const start = `${method}${separator}${url}${separator}${ends}`
  return rawHeaders.length === 0 ? start : `${start}${separator}${rawHeaders.join(separator)}`
}

export const packTrailers = (rawTrailers: readonly string[]) => rawTrailers.join(separator)
export const unpackTrailers = (text: string): string[] => (text === '' ? [] : text.split(separator))

/** method, url, then the four ends, then the raw headers. */
export const unpackHead = (text: string): string[] => text.split(separator)
export const headFields = { method: 0, url: 1, remoteAddress: 2, remotePort: 3, localAddress: 4, localPort: 5, headers: 6 } as const
