/** Ten thousand clients that only sit there: they cost no thread, and neither the others nor they themselves wait for it. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../support/client.ts'
import { crowd, faulty, serves, workerOf } from '../support/faults.ts'

/** Both ends of a connection are on this machine, and a client's end is this process's. */
const spareFds = 500
const wanted = Math.min(10_000, filesMax() - spareFds)

test(`${wanted} idle keep-alive connections keep no new client waiting, and each of them still works afterwards`, async () => {
  const server = await faulty('--threads', '2', '--worker-connections', '12000', '--keep-alive', '300', '--backlog', '4096')
  const pid = workerOf(server)
  const port = server.port()
  const idle: Held[] = []
  while (idle.length < wanted) {
    const few = Array.from({ length: Math.min(250, wanted - idle.length) }, () => hold(port))
    await Promise.all(few.map((one) => one.ask()))
    idle.push(...few)
  }
  expect(readdirSync(`/proc/${pid}/fd`).length).toBeGreaterThan(wanted)

  const others = crowd(port)
  await others.goesOn(100)
  expect((await ask({ port, path: '/exit' })).status).toBe(502)
  await server.until('thread.died')
  await others.goesOn(100)
  expect((await others.stop()).problems).toEqual([])

  for (let from = 0; from < idle.length; from += 250) {
    const statuses = await Promise.all(idle.slice(from, from + 250).map((one) => one.ask()))
    expect(new Set(statuses)).toEqual(new Set([200]))
  }
  await serves(server, pid)
  const startedMs = performance.now()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(performance.now() - startedMs).toBeLessThan(20_000)
})

interface Held {
  /** Sends a request and answers the status. */
  ask(): Promise<number>
}

function hold(port: number): Held {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // the next ask tells
  onTestFinished(() => void socket.destroy())
  return {
    async ask() {
      socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
      const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean]
      return Buffer.isBuffer(chunk) ? Number(chunk.toString('latin1').split(' ')[1]) : 0
    },
  }
}

function filesMax(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1])
}
