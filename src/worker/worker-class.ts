/** The two worker classes that run the app on the worker's own loop, and the interface that a class of one's own has. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { closeAfter } from '../http/last-answer.ts'

/** What a worker class may do with its worker. */
export interface WorkerKit {
  readonly slot: number
  readonly timeoutMs: number
  /** Leaves the accept set: new connections stay in the kernel's queue, for the other workers. */
  pause(): void
  /** Joins it again. */
  resume(): void
  /** Asks the arbiter for a successor; this worker drains once that one is ready. */
  recycle(reason: string): void
  /** A request has taken longer than `timeout` and will not end: runs the hook workerAbort, then recycles. */
  abort(reason: string): void
}

/**
 * A worker class decides when its worker accepts and how each request is given to the app.
 *
 * @example
 * // one-at-a-time.ts: monoceros app.ts -k ./one-at-a-time.ts
 * import type { WorkerClass } from 'monoceros'
 *
 * export const workerClass: WorkerClass = {
 *   name: 'one-at-a-time',
 *   create: (kit) => ({
 *     onConnection(socket) {
 *       kit.pause()
 *       socket.once('close', () => kit.resume())
 *     },
 *     onRequest(req, res, serve) {
 *       res.setHeader('connection', 'close')
 *       serve()
 *     },
 *   }),
 * }
 */
export interface WorkerClass {
  readonly name: string
  create(kit: WorkerKit): WorkerBehaviour
}

/** What a worker class does at each connection and at each request; what it leaves out is as in class `async`. */
export interface WorkerBehaviour {
  /** A connection was accepted. */
  onConnection?(socket: Socket): void
  /** Calls `serve` to give the request to the app, now or later; never calling it leaves the client without an answer. */
  onRequest?(req: IncomingMessage, res: ServerResponse, serve: () => void): void
}

/** The worker's event loop, many requests at once. */
export const asyncClass: WorkerClass = { name: 'async', create: () => ({}) }

/** As long as a client may take over its first head before the worker accepts somebody else beside it. */
const headPatienceMs = 250

/**
 * One request at a time, and the connection is closed after each response (Gunicorn's `sync`). The worker leaves the
 * accept set with each connection, so whoever comes meanwhile is served by a worker that is free.
 */
export const syncClass: WorkerClass = {
  name: 'sync',
  create(kit) {
    let busy: ServerResponse | null = null
    let turns: (() => void)[] = []
    const unheard = new Set<Socket>()

    const goOn = () => {
      const turn = turns.shift()
      if (turn !== undefined) turn()
      else if (unheard.size === 0) kit.resume()
    }

    const run = (req: IncomingMessage, res: ServerResponse, serve: () => void) => {
      busy = res
      kit.pause()
      closeAfter(res)
      const timer = kit.timeoutMs > 0 ? setTimeout(giveUp, kit.timeoutMs, req, res, kit) : undefined
      res.once('close', () => {
        clearTimeout(timer)
        busy = null
        goOn()
      })
      serve()
    }

    return {
      onConnection(socket) {
        kit.pause()
        unheard.add(socket)
        // A client that says nothing must not hold the worker; it is served when its head has come.
        const forget = () => {
          clearTimeout(timer)
          if (unheard.delete(socket) && busy === null) goOn()
        }
        const timer = setTimeout(forget, headPatienceMs)
        socket.once('close', forget)
      },
      onRequest(req, res, serve) {
        unheard.delete(req.socket)
        if (busy === null) return run(req, res, serve)
        const turn = () => run(req, res, serve)
        turns.push(turn)
        // Gone before its turn came: nobody waits for the answer.
        res.once('close', () => {
          turns = turns.filter((other) => other !== turn)
        })
      },
    }
  },
}

/** The loop turns, so the request only waits: its client is told, and the worker, which may be holding on to it, is replaced. */
function giveUp(req: IncomingMessage, res: ServerResponse, kit: WorkerKit): void {
  const isClientsFault = !req.complete
  if (!isClientsFault) kit.abort(`${req.method} ${req.url?.split('?', 1)[0]} took longer than timeout`)
  if (res.headersSent) res.destroy()
  else {
    res.statusCode = isClientsFault ? 408 : 504
    res.end()
  }
}
