/** Load by wrk, and what it says of the answers. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface LoadOrder {
  readonly port: number
  readonly path: string
  readonly seconds: number
  readonly connections: number
  /** A new connection for each request. */
  readonly isFresh: boolean
}

export interface LoadResult {
  readonly requests: number
  readonly requestsPerS: number
  /** Answers that were not what was asked for; any makes the round void. */
  readonly problems: readonly string[]
}

export async function load({ port, path, seconds, connections, isFresh }: LoadOrder): Promise<LoadResult> {
  const header = isFresh ? ['-H', 'Connection: close'] : []
  const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, ...header, `http://127.0.0.1:${port}${path}`]
  const { stdout } = await run('wrk', args, { timeout: (seconds + 20) * 1_000, killSignal: 'SIGKILL' })
  const [, requests = '0'] = /(\d+) requests in/.exec(stdout) ?? []
  const [, rate = '0'] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? []
  const problems = [/Non-2xx.*/, /Socket errors.*/].flatMap((pattern) => pattern.exec(stdout)?.[0] ?? [])
  if (Number(requests) === 0) problems.push('no answer at all')
  return { requests: Number(requests), requestsPerS: Number(rate), problems }
}
