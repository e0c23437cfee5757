/** HTTP as tests speak it: one call, one answer, an agent where the test says so. */
import http from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface Ask {
  /** 127.0.0.1 unless said otherwise. */
  readonly host?: string
  readonly port?: number
  readonly socketPath?: string
  readonly path?: string
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string | Buffer
  readonly agent?: http.Agent
  readonly timeoutMs?: number
}

/** Resolves with a whole answer; rejects with the socket's error, or when nothing came in time. */
export function ask({ host = '127.0.0.1', port, socketPath, path = '/', ...rest }: Ask): Promise<Answer> {
  const { method = 'GET', headers = {}, body, agent, timeoutMs = 20_000 } = rest
  return new Promise((resolve, reject) => {
    const target = socketPath === undefined ? { host, port } : { socketPath }
    const request = http.request({ ...target, path, method, headers, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('aborted', () => reject(new Error('the answer was cut')))
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() })
      })
    })
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    request.end(body)
  })
}

export interface Begun {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly whole: Promise<Answer>
  /** Leaves before the end. */
  abort(): void
}

/** Resolves when the head of the answer has come: then the request is known to be in the hands of a worker. */
export function begin({ port, path = '/', agent }: Ask): Promise<Begun> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = []
      const { statusCode: status = 0, headers } = response
      const whole = new Promise<Answer>((end, fail) => {
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', fail)
        response.on('end', () => end({ status, headers, body: Buffer.concat(chunks).toString() }))
      })
      whole.catch(() => undefined) // a test may look at it later, or never
      resolve({ status, headers, whole, abort: () => request.destroy() })
    })
    request.on('error', reject)
  })
}
