/** Messages on the beat pipe are JSON, one a line. A line longer than the limit is not ours and is skipped. */
const lineMaxBytes = 256 * 1024

export const toLine = (message: unknown): string => `${JSON.stringify(message)}\n`

/** Returns a function to feed with chunks; whole lines are parsed and handed on. */
export function lineReader<M>(onMessage: (message: M) => void): (chunk: Buffer | string) => void {
  let rest = ''
  return (chunk) => {
    rest += chunk.toString()
    let end = rest.indexOf('\n')
    while (end !== -1) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      const message = parse<M>(line)
      if (message !== undefined) onMessage(message)
      end = rest.indexOf('\n')
    }
    if (rest.length > lineMaxBytes) rest = ''
  }
}

function parse<M>(line: string): M | undefined {
  try {
    return JSON.parse(line) as M
  } catch {
    return undefined // half a line of a process that was killed while it wrote
  }
}
