import { createServer } from 'node:http'

await new Promise((resolve) => setTimeout(resolve, 5))

const server = createServer((_request, response) => response.end('listens'))

server.listen({ port: 3000, host: '127.0.0.1' }, () => console.log(`listening on ${server.address().port}`))
