import { createServer } from 'node:http'

export default createServer((_, res) => res.end('here\n'))
