/** Gunicorn's spelling: `getDirtyClient().execute(app, action, ...args)`. */
import { callAction } from './dirty.ts'

export interface DirtyClient {
  execute<T = unknown>(app: string, action: string, ...args: unknown[]): Promise<T>
  stream<T = unknown>(app: string, action: string, ...args: unknown[]): AsyncIterable<T>
}

/** @param timeoutMs of each call; without it `dirty_timeout` holds */
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
