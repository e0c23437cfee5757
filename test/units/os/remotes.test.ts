/** Datagrams and lines to somewhere: what arrives, and what happens while nobody is there. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { udpDatagrams } from '../../../src/os/datagrams.ts'
import { lineStream } from '../../../src/os/line-streams.ts'
import { unixDatagrams } from '../../../src/os/unix-datagrams.ts'
import { datagramListener, lineListener, udpListener } from '../../support/remotes.ts'

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-remotes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what is sent before the name is known arrives too', async () => {
  const listener = await udpListener()
  const way = udpDatagrams('localhost', listener.port, () => undefined)
  onTestFinished(way.close)
  way.send('first')
  await listener.until((text) => text === 'first')
})

test('it is sent by IPv6 where the address is one', async () => {
  const socket = createSocket('udp6').bind(0, '::1')
  onTestFinished(() => void socket.close())
  await once(socket, 'listening')
  const way = udpDatagrams('::1', socket.address().port, () => undefined)
  onTestFinished(way.close)
  const arrived = once(socket, 'message')
  way.send('first')
  expect(String((await arrived)[0])).toBe('first')
})

test('a name that means nothing is told once, and nobody waits for it', async () => {
  const problems: string[] = []
  const told = new Promise<void>((resolve) => {
    const way = udpDatagrams('no-such-host.invalid', 8_125, (problem) => {
      problems.push(problem)
      resolve()
    })
    onTestFinished(way.close)
    for (let index = 0; index < 10_000; index++) way.send('x'.repeat(1_000))
  })
  await told
  expect(problems.length).toBe(1)
})

test('a receiver that is not there costs nothing but its packets', async () => {
  const listener = await udpListener()
  await listener.close()
  const way = udpDatagrams('127.0.0.1', listener.port, () => undefined)
  onTestFinished(way.close)
  for (let round = 0; round < 5; round++) {
    way.send('x')
    await way.flush()
  }
})

test('lines find their way again when who took them is started again, and that is told once', async () => {
  const path = join(folderOf(), 's')
  const first = await lineListener(path)
  const problems: string[] = []
  let tell: () => void
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  const way = lineStream({ path }, (problem) => {
    problems.push(problem)
    tell()
  })
  onTestFinished(way.close)
  way.send('one\n')
  await first.until((text) => text === 'one')
  await first.close()
  await told
  way.send('two\n')
  const second = await lineListener(path)
  await second.until((text) => text === 'two')
  expect(problems.length).toBe(1)
})

test('who never reads is not waited for, and holds no more than the queue', async () => {
  const server = createServer((socket) => void socket.pause())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const way = lineStream({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, () => undefined)
  onTestFinished(async () => {
    way.close()
    server.close()
  })
  const before = process.memoryUsage().rss
  for (let index = 0; index < 20_000; index++) way.send(`${'x'.repeat(10_000)}\n`)
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20)
})

test.skipIf(process.platform !== 'linux')('datagrams reach a Unix socket, and the next that is bound there', async () => {
  const path = join(folderOf(), 's')
  const way = unixDatagrams(path)
  expect(way).not.toBeNull()
  onTestFinished(() => way?.close())
  way?.send('nobody hears this')
  const first = await datagramListener(path)
  way?.send('one ü')
  await first.until((text) => text === 'one ü')
  await first.close()
  const second = await datagramListener(path)
  way?.send('two')
  await second.until((text) => text === 'two')
  await second.close()
})
