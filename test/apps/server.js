import { createServer } from 'node:http'

export const server = createServer((_request, response) => response.end('server'))

server.on('upgrade', (_request, socket) => {
  socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\nupgraded')
})

let startups = 0
export function onStartup() {
  startups++
}
export function onShutdown() {
  return startups
}
