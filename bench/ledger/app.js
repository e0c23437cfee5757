/**
 * The app under load. It calls `listen()` itself, so that monoceros, a node:cluster primary and PM2 serve the same file. In a
 * file of its own it notes each connection and each request as they come and go, so that afterwards it is known in whose
 * hands a lost one was; written synchronously, since a killed process writes nothing later. Each thread has its own file: the
 * connections are its worker's (`connections.js`).
 */
import { execSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { isMainThread, threadId } from 'node:worker_threads'

const who = isMainThread ? process.pid : `${process.pid}.${threadId}`
const book = openSync(join(process.cwd(), `${who}.book`), 'a')
const note = (...words) => writeSync(book, `${words.join(' ')} ${Date.now()}\n`)
const page = Buffer.alloc(2_048, 'a page of the ledger ')

const routes = {
  'POST /echo': async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    response.end(Buffer.concat(chunks))
  },
  'GET /page': (_request, response) => response.end(page),
  /** Under way for a while, its head long sent: an event finds some of these half answered. */
  'GET /parts': (_request, response) => {
    let left = 4
    const timer = setInterval(() => {
      left--
      if (left > 0) return response.write(page.subarray(0, 512))
      clearInterval(timer)
      response.end(page.subarray(0, 512))
    }, 5)
    response.write('')
  },
  'GET /block': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000),
  /** In native code, which a thread cannot be brought back from. */
  'GET /native': () => execSync('exec sleep 60'),
  /** Answered, and then the end of its thread, whatever that has been given meanwhile. */
  'GET /throw-later': (_request, response) => {
    response.end()
    setTimeout(() => {
      throw new Error('thrown after the answer')
    }, 5)
  },
}

const server = createServer((request, response) => {
  const id = request.headers['x-request'] ?? '-'
  note('request', id, request.socket.remotePort)
  response.setHeader('x-pid', process.pid)
  response.on('finish', () => note('answered', id, request.socket.remotePort ?? 0))
  const route = routes[`${request.method} ${request.url}`]
  if (route !== undefined) return route(request, response)
  response.statusCode = 404
  response.end()
})
server.on('connection', (socket) => note('connection', '-', socket.remotePort))
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
