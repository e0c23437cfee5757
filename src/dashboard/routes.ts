/** What the page asks for, beside itself. */
import type { IncomingMessage } from 'node:http'
import type { Route } from './http-door.ts'
import type { Viewers } from './viewers.ts'

export interface CommandAnswer {
  readonly ok: boolean
  readonly data: unknown
}

export interface DashboardHost {
  readonly viewers: Viewers
  /** A command of the control socket, with its arguments; null where there is nothing to command. */
  readonly command: ((text: string) => Promise<CommandAnswer>) | null
}

const bodyMaxBytes = 4_096

export function dashboardRoutes({ viewers, command }: DashboardHost): Route[] {
  const stream: Route = {
    method: 'GET',
    path: '/events',
    access: 'read',
    handle: (_req, res, query) => viewers.add(res, query.get('life') ?? '', Number(query.get('after') ?? Number.NaN)),
  }
  if (command === null) return [stream]
  // By this a page learns whether its token is right, before anybody relies on it.
  const access: Route = { method: 'GET', path: '/access', access: 'change', handle: (_req, res) => void res.writeHead(204).end() }
  const commands: Route = {
    method: 'POST',
    path: '/command',
    access: 'change',
    async handle(req, res) {
      const text = await commandIn(req)
      if (text === null) return void res.writeHead(400, { 'content-type': 'text/plain' }).end('the form is {"command": "…"} as JSON\n')
      const answer = await command(text)
      res.writeHead(answer.ok ? 200 : 409, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    },
  }
  return [stream, access, commands]
}

async function commandIn(req: IncomingMessage): Promise<string | null> {
  if (!/^application\/json\b/.test(req.headers['content-type'] ?? '')) return null
  let text = ''
  for await (const chunk of req) {
    text += chunk
    if (text.length > bodyMaxBytes) return null
  }
  try {
    const { command } = JSON.parse(text) as { command?: unknown }
    return typeof command === 'string' && command.length > 0 ? command : null
  } catch {
    return null // not JSON: the same answer
  }
}
