/**
 * Who starts me: the benchmark's driver, with the path of a socket.
 * I expect: messages, as in messages.ts.
 * I own: nothing. A message goes back when all of it is here, as an answer has to; an order of a stream brings so many messages.
 * I end: when I am told to.
 * Exit codes: 0.
 */
import { createServer, type Socket } from 'node:net'
import { readMessages, streamed, writeMessage } from './messages.ts'

async function stream(socket: Socket, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const body = Buffer.alloc(4)
    body.writeUInt32LE(n)
    if (!writeMessage(socket, streamed, body)) await new Promise((resolve) => socket.once('drain', resolve))
  }
}

process.once('SIGTERM', () => process.exit())
const server = createServer((socket) => {
  const onData = readMessages((what, body) => {
    if (what === streamed) void stream(socket, body.readUInt32LE(0))
    else writeMessage(socket, what, body)
  })
  socket.on('data', onData)
  socket.on('error', () => undefined) // its caller was ended
})
server.listen(process.argv[2], () => process.stdout.write('ready\n'))
