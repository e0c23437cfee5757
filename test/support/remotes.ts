/** Who listens where the server sends lines: statsd and syslog, as far as a test needs them. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Listener {
  readonly texts: readonly string[]
  /** The first text that fits, which has come or comes. */
  until(fits: (text: string) => boolean): Promise<string>
  close(): Promise<void>
}

const patienceMs = 20_000

function listener(close: () => Promise<void>): Listener & { hear(text: string): void } {
  const texts: string[] = []
  const hearers = new Set<() => void>()
  let isClosed = false
  const closeOnce = async () => {
    if (isClosed) return
    isClosed = true
    await close()
  }
  onTestFinished(closeOnce)
  return {
    texts,
    hear(text) {
      texts.push(text)
      for (const hear of [...hearers]) hear()
    },
    until: (fits) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          hearers.delete(hear)
          reject(new Error(`it did not come; what came:\n${texts.join('\n')}`))
        }, patienceMs)
        const hear = () => {
          const found = texts.find(fits)
          if (found === undefined) return
          clearTimeout(timer)
          hearers.delete(hear)
          resolve(found)
        }
        hearers.add(hear)
        hear()
      }),
    close: closeOnce,
  }
}

/** By UDP on loopback; each packet is one text. */
export async function udpListener(): Promise<Listener & { readonly port: number }> {
  const socket = createSocket('udp4')
  const heard = listener(() => new Promise((resolve) => socket.close(() => resolve())))
  socket.on('message', (data) => heard.hear(String(data)))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { ...heard, port: socket.address().port }
}

/** By a stream, TCP or Unix; each line is one text. */
export async function lineListener(path?: string): Promise<Listener & { readonly port: number }> {
  const server = createServer()
  const heard = listener(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.emit('ending')
      }),
  )
  server.on('connection', (socket) => {
    let rest = ''
    server.once('ending', () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) heard.hear(line)
    })
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  return { ...heard, port: path === undefined ? (server.address() as AddressInfo).port : 0 }
}

const program = `
import os, socket, sys
path = sys.argv[1]
if os.path.exists(path): os.unlink(path)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
print('bound', flush=True)
while True:
    print(listener.recv(65536).decode().replace('\\n', '\\\\n'), flush=True)
`

/** A Unix datagram socket, which Node cannot open itself; newlines within a datagram come as \`\\n\`. */
export async function datagramListener(path: string): Promise<Listener> {
  const child = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const heard = listener(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let rest = ''
  const bound = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === 'bound') resolve()
        else heard.hear(line)
      }
    })
  })
  await bound
  return heard
}
