// The same echo over TLS: key and certificate come from a folder that the environment names.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { WebSocketServer } from 'ws'

const pem = (name) => readFileSync(`${process.env.PEMS}/${name}.pem`)

const server = createServer({ key: pem('key'), cert: pem('cert') }, (_req, res) => res.end('plain'))
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(`${process.pid} ${data}`)))

export default server
