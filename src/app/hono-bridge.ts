import type { RequestListener } from 'node:http'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OnAppError } from './failing.ts'
import { type FetchHandler, fetchListener } from './fetch-bridge.ts'
import { installedEntry } from './find.ts'
import { guardedNodeHandler } from './node-bridge.ts'

interface HonoNodeServer {
  getRequestListener(fetch: FetchHandler, options: { overrideGlobalObjects: boolean }): RequestListener
}

/** Serves a Hono app by its own Node adapter where the app has it installed, else as any fetch handler. */
export async function honoListener(
  handler: FetchHandler,
  file: string,
  onError: OnAppError,
  putResponseBack: (() => void) | undefined,
): Promise<RequestListener> {
  const adapter = installedEntry('@hono/node-server', dirname(file))
  if (adapter === undefined) return fetchListener(handler, onError)
  const { getRequestListener } = (await import(pathToFileURL(adapter).href)) as HonoNodeServer
  // The adapter brings a fast Response of its own and builds it on the global one, which must be Node's.
  putResponseBack?.()
  return guardedNodeHandler(getRequestListener(handler, { overrideGlobalObjects: putResponseBack !== undefined }), onError)
}
