// Echoes over WebSockets. /held waits for a file before it accepts, /refused says no and ends its side of the connection.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const sockets = new WebSocketServer({ noServer: true })
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`${process.pid} ${data}`)))

const server = createServer((_req, res) => res.end('plain'))
server.on('upgrade', (req, socket, head) => {
  const accept = () => sockets.handleUpgrade(req, socket, head, (one) => sockets.emit('connection', one, req))
  const acceptLater = () => (existsSync(process.env.GO) ? accept() : setTimeout(acceptLater, 10))
  if (req.url === '/refused') socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
  else if (req.url === '/held') acceptLater()
  else accept()
})

export default server
