/** Sockets that tests hold themselves, and the patience that somebody else's need. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { onTestFinished } from 'vitest'

/** Listens on a port of 127.0.0.1, or at a path, until the test is over. */
export async function listening(path?: string): Promise<Server> {
  const server = createServer()
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** A port that nobody had a moment ago; for what must be known before the server under test binds it. */
export async function freePort(): Promise<number> {
  const holder = await listening()
  const port = portOf(holder)
  await new Promise((resolve) => holder.close(resolve))
  return port
}

/** Again while nobody listens yet: an address is bound before the first worker does. */
export async function patiently<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
    }
  }
}
