import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { MonocerosError, problemOf } from '../base/errors.ts'
import { assertNever } from '../base/never.ts'
import { exportedApp, holdersOf } from './exported.ts'
import type { OnAppError } from './failing.ts'
import { type FetchHandler, fetchListener } from './fetch-bridge.ts'
import { honoListener } from './hono-bridge.ts'
import { type AppKind, describe, kindOf } from './kinds.ts'
import type { ModuleNamespace } from './load.ts'
import { guardedNodeHandler } from './node-bridge.ts'
import type { AppSpec } from './spec.ts'

export type AppServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer

/** The app's exports that gate readiness and drain; run by the caller. */
export interface AppHooks {
  readonly onStartup?: (context: unknown) => unknown
  readonly onShutdown?: (context: unknown) => unknown
}

export type Adopted =
  | (AppHooks & {
      readonly kind: AppKind
      /** Not listening; its listeners (`request`, and `upgrade` where there are any) are the app's. */
      readonly server: AppServer
      /** The framework's own closing (Fastify's and Nest's shutdown hooks), for after the drain. */
      readonly close?: () => Promise<void>
    })
  /** Nothing to serve is exported and none was asked for: the program may yet call `listen()`. */
  | (AppHooks & { readonly kind: 'none' })

export interface AdoptOptions {
  /** The app's file: adapters of its framework are looked for from its folder. */
  readonly file: string
  /** Told of each request the app failed to answer. */
  readonly onError: OnAppError
  /** What `installFastResponse` answered, where it was called. */
  readonly putResponseBack?: () => void
}

/**
 * Picks the export that the spec means and makes a server of it.
 *
 * @throws MonocerosError MON_APP_EXPORT when there is no such export or it is nothing that can be served, MON_APP_SETUP
 *   when a factory, or the framework while it gets ready, fails
 */
export async function adopt(namespace: ModuleNamespace, spec: AppSpec, options: AdoptOptions): Promise<Adopted> {
  const hooks = hooksOf(namespace)
  const { app } = await exportedApp(namespace, spec)
  const kind = kindOf(app)
  if (kind === null) {
    if (spec.path === null) return { ...hooks, kind: 'none' }
    const name = `${spec.path.join('.')}${spec.args === null ? '' : '()'}`
    throw new MonocerosError('MON_APP_EXPORT', {
      spec: spec.text,
      problem: `${name} is ${describe(app)}; served are handlers, http servers, { fetch }, and apps of Express, Koa, Fastify, Nest, Hono and h3`,
    })
  }
  try {
    return { ...hooks, kind, ...(await serve(kind, app, options)) }
  } catch (error) {
    throw new MonocerosError('MON_APP_SETUP', { spec: spec.text, step: `getting ${kind} ready`, problem: problemOf(error) }, error)
  }
}

interface Serving {
  readonly server: AppServer
  readonly close?: () => Promise<void>
}

async function serve(kind: AppKind, app: unknown, options: AdoptOptions): Promise<Serving> {
  switch (kind) {
    case 'server':
      return { server: app as AppServer }
    case 'express':
      return { server: createServer(app as RequestListener) }
    case 'koa':
      return { server: createServer((app as { callback(): RequestListener }).callback()) }
    case 'fastify':
      return serveFastify(app as FastifyLike)
    case 'nest':
      return serveNest(app as NestLike)
    case 'node':
      return { server: createServer(guardedNodeHandler(app as RequestListener, options.onError)) }
    case 'hono':
      return { server: createServer(await honoListener(fetchOf(app), options.file, options.onError, options.putResponseBack)) }
    case 'h3':
    case 'fetch':
      return { server: createServer(await fetchListener(fetchOf(app), options.onError)) }
    default:
      return assertNever(kind)
  }
}

interface FastifyLike {
  readonly server?: unknown
  readonly routing: RequestListener
  ready(): PromiseLike<unknown>
  close(): PromiseLike<unknown>
}

async function serveFastify(app: FastifyLike): Promise<Serving> {
  await app.ready()
  // Plugins (websocket) put their upgrade listeners on the app's own server.
  const server = app.server instanceof NetServer ? (app.server as AppServer) : createServer(app.routing)
  return { server, close: async () => void (await app.close()) }
}

interface NestLike {
  init(): Promise<unknown>
  close(): Promise<void>
  getHttpServer(): AppServer
  getHttpAdapter(): { getInstance(): unknown }
}

async function serveNest(app: NestLike): Promise<Serving> {
  await app.init()
  const instance = app.getHttpAdapter().getInstance()
  if (kindOf(instance) === 'fastify') await (instance as FastifyLike).ready()
  return { server: app.getHttpServer(), close: () => app.close() }
}

function fetchOf(app: unknown): FetchHandler {
  if (typeof app === 'function' && typeof (app as { fetch?: unknown }).fetch !== 'function') return app as FetchHandler
  const holder = app as { fetch: FetchHandler }
  return (request, env) => holder.fetch(request, env)
}

export function hooksOf(namespace: ModuleNamespace): AppHooks {
  const hook = (name: 'onStartup' | 'onShutdown') => {
    const holder = holdersOf(namespace).find((candidate) => typeof candidate[name] === 'function')
    return holder === undefined ? {} : { [name]: (context: unknown) => (holder[name] as (context: unknown) => unknown)(context) }
  }
  return { ...hook('onStartup'), ...hook('onShutdown') }
}
