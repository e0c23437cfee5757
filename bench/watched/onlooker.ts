/** Somebody who looks on while a server works: an open dashboard, and a Prometheus that scrapes once a second. */
import { type IncomingMessage, request } from 'node:http'

export interface Onlooker {
  /** What makes a round void: it was not shown anything, or a scrape failed. */
  problems(): string[]
  stop(): void
}

const scrapeEveryMs = 1_000

export async function lookOn(port: number): Promise<Onlooker> {
  const at = { host: '127.0.0.1', port, headers: { host: `127.0.0.1:${port}` } }
  const found: string[] = []
  let seen = 0
  const stream = await open({ ...at, path: '/events' })
  stream.on('data', () => seen++)
  stream.on('close', () => found.push('the dashboard’s stream ended'))
  const scrape = async () => {
    const answer = await open({ ...at, path: '/metrics' })
    if (answer.statusCode !== 200) found.push(`/metrics answered ${answer.statusCode}`)
    answer.resume()
  }
  const timer = setInterval(() => void scrape().catch((error: Error) => found.push(`/metrics: ${error.message}`)), scrapeEveryMs)
  return {
    problems: () => [...found, ...(seen === 0 ? ['the dashboard was shown nothing'] : [])],
    stop() {
      clearInterval(timer)
      stream.removeAllListeners('close')
      stream.destroy()
    },
  }
}

function open(options: { readonly host: string; readonly port: number; readonly path: string }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(options, resolve).once('error', reject).end()
  })
}
