import type { IncomingMessage, ServerResponse } from 'node:http'

export default (_: IncomingMessage, res: ServerResponse): void => void res.end('here\n')
