import { Server as NetServer } from 'node:net'

export type AppKind = 'express' | 'koa' | 'fastify' | 'hono' | 'nest' | 'h3' | 'node' | 'fetch' | 'server'

/** What kind of app a value is, told by its methods, as a framework may be installed several times; null: none. */
export function kindOf(value: unknown): AppKind | null {
  if (typeof value === 'function' && isClass(value)) return null
  if (isHttpServer(value)) return 'server'
  if (has(value, 'getHttpAdapter', 'getHttpServer', 'init')) return 'nest'
  if (has(value, 'ready', 'routing', 'register', 'inject')) return 'fastify'
  if (has(value, 'callback', 'use', 'createContext')) return 'koa'
  if (has(value, 'fetch', 'request', 'basePath') && Array.isArray((value as { routes?: unknown }).routes)) return 'hono'
  if (has(value, 'fetch', 'handler', 'mount')) return 'h3'
  if (typeof value === 'function' && has(value, 'handle', 'use', 'set')) return 'express'
  if (has(value, 'fetch')) return 'fetch'
  if (typeof value === 'function') return value.length < 2 ? 'fetch' : 'node'
  return null
}

/** Says what a value is, for the sentence that refuses it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return isClass(value) ? `the class ${value.name || '(anonymous)'}` : 'a function'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  if (value instanceof NetServer) return 'a net.Server, which does not speak HTTP'
  const maker = Object.getPrototypeOf(value)?.constructor?.name
  if (maker !== undefined && maker !== 'Object') return `an instance of ${maker}`
  const keys = Object.keys(value)
  return `an object with ${keys.length === 0 ? 'nothing in it' : keys.slice(0, 6).join(', ')}`
}

// By their methods: to know them by their classes would load https and http2 into every worker.
function isHttpServer(value: unknown): boolean {
  if (!(value instanceof NetServer)) return false
  return has(value, 'closeIdleConnections') || /^Http2(?:Secure)?Server$/.test(value.constructor.name)
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value))
}

function has(value: unknown, ...methods: string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}
