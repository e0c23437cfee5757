/**
 * The control socket: takes frames, one request after the other from each client, and answers them. A client that is slow,
 * silent or wrong costs nobody but itself.
 */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { problemOf } from '../base/errors.ts'
import { clearStaleSocket } from '../os/bind.ts'
import { answerMaxBytes, FrameError, frameReader, requestMaxBytes, toFrame } from './frames.ts'

export interface ControlServer {
  /** Ends all connections, and takes the socket away if it is still this server's. */
  close(): void
}

export interface ControlOptions {
  readonly path: string
  readonly mode: number
  answer(request: unknown): Promise<object>
}

const clientsMax = 1_000
/** As in Gunicorn. */
const idleMs = 300_000
/** How long a client may leave an answer unread. */
const unreadMs = 30_000

/** @throws MON_LISTENER_IN_USE when another server answers there, or what the system says */
export async function openControlSocket({ path, mode, answer }: ControlOptions): Promise<ControlServer> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  await clearStaleSocket(path, path)
  const clients = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket)
    socket.once('close', () => clients.delete(socket))
    serveClient(socket, answer)
  })
  server.maxConnections = clientsMax
  await listen(server, path, mode)
  const own = lstatSync(path).ino
  // Its clients come and go; it must not hold the process.
  server.unref()
  return {
    close() {
      for (const socket of clients) socket.destroySoon()
      // Closing removes the file at that path, whoever's it is by now.
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === own) server.close()
    },
  }
}

/** The file has its mode from the first moment: Node binds within the call. */
function listen(server: Server, path: string, mode: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const before = process.umask(0o777 & ~mode)
    try {
      server.listen({ path }, () => resolve())
    } finally {
      process.umask(before)
    }
  }).then(() => {
    server.on('error', () => undefined) // accepting failed once, for want of descriptors; the next may come through
    // Bits that no mask can give.
    if ((lstatSync(path).mode & 0o777) !== mode) chmodSync(path, mode)
  })
}

function serveClient(socket: Socket, answer: ControlOptions['answer']): void {
  const read = frameReader(requestMaxBytes)
  const waiting: unknown[] = []
  let isBusy = false
  let isOver = false
  socket.setTimeout(idleMs, () => {
    // Whoever waits for an answer is not idle.
    if (!isBusy) socket.destroy()
  })
  socket.on('error', () => undefined) // it left; `close` follows
  socket.on('end', () => {
    isOver = true
    if (!isBusy) leave()
  })
  socket.on('data', (chunk) => {
    waiting.push(...read(chunk))
    if (waiting.at(-1) instanceof FrameError) isOver = true
    void work()
  })

  /** What could not even be loaded must not leave the client waiting. */
  const answered = (request: unknown) =>
    answer(request).catch((error: unknown) => ({ id: null, status: 'error', error: `Command failed: ${problemOf(error)}` }))

  async function work(): Promise<void> {
    if (isBusy) return
    isBusy = true
    // What it sends meanwhile stays in the kernel.
    socket.pause()
    while (waiting.length > 0 && !socket.destroyed) {
      const request = waiting.shift()
      if (request instanceof FrameError) {
        socket.write(toFrame({ id: null, status: 'error', error: `Malformed request: ${request.message}` }))
        break
      }
      const frame = boundedFrame(await answered(request))
      if (socket.destroyed) return
      if (!socket.write(frame) && !(await isRead(socket))) return
    }
    isBusy = false
    if (isOver) leave()
    else socket.resume()
  }

  /** It says nothing more; what was answered may still be on its way, but not for ever. */
  function leave(): void {
    socket.end()
    setTimeout(() => socket.destroy(), unreadMs).unref()
  }
}

function boundedFrame(answer: object): Buffer {
  const frame = toFrame(answer)
  if (frame.length <= answerMaxBytes) return frame
  const { id } = answer as { id?: unknown }
  return toFrame({ id, status: 'error', error: `Command failed: the answer has ${frame.length} bytes, which is too long` })
}

function isRead(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isDrained: boolean) => {
      clearTimeout(timer)
      socket.off('drain', drained)
      socket.off('close', closed)
      resolve(isDrained)
    }
    const drained = () => end(true)
    const closed = () => end(false)
    const timer = setTimeout(() => socket.destroy(), unreadMs)
    socket.once('drain', drained)
    socket.once('close', closed)
  })
}
