/** Gunicorn's spelling: `getDirtyClient().execute(app, action, ...args)`. */
import { callAction } from './dirty.ts'

/** Calls by names, as Gunicorn's client has them. */
export interface DirtyClient {
  /** Calls an action and answers with its value. */
  execute<T = unknown>(app: string, action: string, ...args: unknown[]): Promise<T>
  /** Calls an action that is a generator. */
  stream<T = unknown>(app: string, action: string, ...args: unknown[]): AsyncIterable<T>
}

/**
 * A client of the dirty pool in Gunicorn's spelling: app and action are texts, so no type is checked; `dirty` checks them.
 *
 * @param timeoutMs of each call, in milliseconds; without it `dirty_timeout` holds
 * @param socket the socket of the dirty pool; by default that of the environment, which monoceros sets in its workers
 * @throws DirtyError, with a code, from the calls
 * @example
 * // app.ts: monoceros app.ts --dirty-app ./images.ts:ImageApp
 * import type { ServerResponse } from 'node:http'
 * import { getDirtyClient } from 'monoceros/dirty'
 *
 * const client = getDirtyClient({ timeoutMs: 5_000 })
 *
 * export default async (_: unknown, res: ServerResponse) => {
 *   res.end(await client.execute<Uint8Array>('images', 'thumbnail', new Uint8Array(4096), { widthPx: 32 }))
 * }
 */
export function getDirtyClient({ timeoutMs, socket }: { readonly timeoutMs?: number; readonly socket?: string } = {}): DirtyClient {
  const order = (app: string, action: string, args: readonly unknown[]) => ({
    app,
    action,
    args,
    socket,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  return {
    execute: async <T>(app: string, action: string, ...args: unknown[]) => (await callAction(order(app, action, args))) as T,
    stream: <T>(app: string, action: string, ...args: unknown[]) => callAction(order(app, action, args)) as unknown as AsyncIterable<T>,
  }
}
