/** How the contract speaks to a server: whole requests through node:http, and bytes through a socket. */
import http from 'node:http'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Base {
  readonly host: string
  readonly port: number
}

export interface Ask {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders | readonly string[]
  readonly body?: string | Uint8Array | Iterable<Uint8Array>
  /** Without one each request has a connection of its own. */
  readonly agent?: http.Agent
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
}

const DEADLINE_MS = 15_000

/** One request and its whole answer. */
export async function ask(base: Base, path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, agent = false } = options
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const request = http.request({ ...base, path, method, headers: headers as http.OutgoingHttpHeaders, agent, signal })
  const answer = answerTo(request)
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body)
  else {
    for (const chunk of body) request.write(chunk)
    request.end()
  }
  return answer
}

async function answerTo(request: http.ClientRequest): Promise<Answer> {
  const response = await responseTo(request)
  const body = await bodyOf(response)
  return { status: response.statusCode ?? 0, headers: response.headers, trailers: response.trailers, body }
}

export function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
  })
}

export async function bodyOf(response: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}

// biome-ignore lint/suspicious/noExplicitAny: the cases look into it and fail where it is not what they expect.
export function jsonOf(answer: Pick<Answer, 'body'>): any {
  return JSON.parse(answer.body.toString('utf8'))
}

export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/**
 * Writes the bytes on a connection of its own and reads until the server closes it or `count` answers are complete.
 * `methods` are those asked for, in order, as the answer to HEAD has no body whatever its headers say.
 */
export async function exchange(
  base: Base,
  sent: string | readonly string[],
  { count = Number.POSITIVE_INFINITY, methods = [] as readonly string[] } = {},
): Promise<{ answers: RawAnswer[]; rest: Buffer; isClosedByServer: boolean }> {
  const socket = net.connect(base)
  socket.setNoDelay(true)
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('the server neither answered nor closed')))
  let received = Buffer.alloc(0)
  let failure: NodeJS.ErrnoException | undefined
  const isClosedByServer = await new Promise<boolean>((resolve) => {
    socket.on('error', (error) => (failure = error))
    socket.on('close', () => resolve(true))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (readAnswers(received, methods, false).answers.length >= count) resolve(false)
    })
    void writeParts(socket, typeof sent === 'string' ? [sent] : sent)
  })
  socket.destroy()
  // A server may reset a connection that it refused, while we still write; what it said before counts.
  if (failure !== undefined && !['ECONNRESET', 'EPIPE'].includes(failure.code ?? '')) throw failure
  return { ...readAnswers(received, methods, isClosedByServer), isClosedByServer }
}

/** Parts go out in turns of the loop of their own, so that the server reads them one by one. */
async function writeParts(socket: net.Socket, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    await new Promise((done) => socket.write(part, 'latin1', done))
    if (parts.length > 1) await pause(1)
  }
}

/** Interim answers (1xx) are listed like the others. */
function readAnswers(received: Buffer, methods: readonly string[], isEnded: boolean): { answers: RawAnswer[]; rest: Buffer } {
  const answers: RawAnswer[] = []
  let rest = received
  let finals = 0
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) break
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
    const status = Number(statusLine.split(' ')[1])
    const found = readBody(rest.subarray(end + 4), headers, status < 200 || methods[finals] === 'HEAD', isEnded)
    if (!found) break
    if (status >= 200) finals++
    answers.push({ status, headers, body: found.body })
    rest = found.rest
  }
  return { answers, rest }
}

function readBody(bytes: Buffer, headers: ReadonlyMap<string, string>, isBodyless: boolean, isEnded: boolean) {
  if (isBodyless) return { body: Buffer.alloc(0), rest: bytes }
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(bytes)
  const declared = headers.get('content-length')
  if (declared === undefined) return isEnded ? { body: bytes, rest: Buffer.alloc(0) } : undefined
  if (bytes.length < Number(declared)) return undefined
  return { body: bytes.subarray(0, Number(declared)), rest: bytes.subarray(Number(declared)) }
}

function readChunks(bytes: Buffer) {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    if (size === 0) {
      // Without trailers the end is the empty line that follows at once, else the one after the last trailer.
      const end = bytes.subarray(lineEnd, lineEnd + 4).equals(Buffer.from('\r\n\r\n')) ? lineEnd : bytes.indexOf('\r\n\r\n', lineEnd)
      return end < 0 ? undefined : { body: Buffer.concat(chunks), rest: bytes.subarray(end + 4) }
    }
    if (bytes.length < lineEnd + 2 + size + 2) return undefined
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
