// An http.Server that does not listen, with settings of its own: npx monoceros docs/examples/http-server/app.js
import { createServer } from 'node:http'
import handle from '../node-http/app.js'

const server = createServer({ keepAliveTimeout: 20_000, requestTimeout: 60_000 })
server.on('request', handle)

export default server
