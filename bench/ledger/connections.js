/** A hook for workers whose app runs in threads: the worker itself notes which connections it has accepted. */
import { subscribe } from 'node:diagnostics_channel'
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export function postFork() {
  const book = openSync(join(process.cwd(), `${process.pid}.book`), 'a')
  subscribe('net.server.socket', ({ socket }) => writeSync(book, `connection - ${socket.remotePort} ${Date.now()}\n`))
}
