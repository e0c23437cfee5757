/** Reads the server's stream, for as long as the page is open; it comes back by itself. */
import type { StreamMessages } from '../stream-messages.ts'
import { headers } from './access.ts'

export interface StreamHearer {
  /** What is known already, so that only the rest is sent. */
  known(): { life: string; lastId: number }
  onOpen(): void
  /** `isRefused`: it wants a token. */
  onLost(isRefused: boolean): void
  hear<Kind extends keyof StreamMessages>(kind: Kind, data: StreamMessages[Kind]): void
}

const pausesMs = [200, 500, 1_000, 2_000, 5_000]

export async function follow(hearer: StreamHearer, wake: () => Promise<void>): Promise<never> {
  for (let tries = 0; ; tries++) {
    let isRefused = false
    try {
      const { life, lastId } = hearer.known()
      const response = await fetch(`/events?life=${encodeURIComponent(life)}&after=${lastId}`, { headers: headers() })
      isRefused = response.status === 401
      if (response.ok && response.body !== null) {
        tries = 0
        hearer.onOpen()
        await read(response.body, hearer)
      }
    } catch {
      // the server is gone, or not there yet: it is asked again
    }
    hearer.onLost(isRefused)
    if (isRefused) await wake()
    else await new Promise((resolve) => setTimeout(resolve, pausesMs[Math.min(tries, pausesMs.length - 1)]))
  }
}

async function read(body: ReadableStream<Uint8Array>, hearer: StreamHearer): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, kind, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? []
      if (kind !== undefined && data !== undefined) hearer.hear(kind as keyof StreamMessages, JSON.parse(data))
    }
  }
}
