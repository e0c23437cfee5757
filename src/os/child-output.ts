import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

export type OutputStream = 'stdout' | 'stderr'

/** Where what a child prints goes: to where this process prints, nowhere, or line by line to a listener. */
export type ChildOutput = 'inherit' | 'ignore' | ((line: string, stream: OutputStream, pid: number) => void)

/** A longer line is told in pieces, so that whoever never ends one costs no more memory. */
const lineMaxChars = 64 * 1_024

/** Tells each line of a stream without its end; the last one need not have any. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const feed = (text: string) => {
    rest += text
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    while (rest.length > lineMaxChars) {
      onLine(rest.slice(0, lineMaxChars))
      rest = rest.slice(lineMaxChars)
    }
  }
  stream.on('data', (chunk: Buffer) => feed(decoder.write(chunk)))
  stream.on('error', () => undefined) // its writer is gone; the end of the process is told elsewhere
  stream.once('close', () => {
    feed(decoder.end())
    if (rest !== '') onLine(rest)
    rest = ''
  })
}
