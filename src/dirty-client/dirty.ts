/** `dirty<ImageApp>('images')`: the actions of a dirty app as functions. */
import type { AppCounts } from '../wire/kinds.ts'
import { socketVariable } from '../wire/socket-path.ts'
import { type CallOptions, type CallOrder, type RunningCall, startCall } from './call.ts'
import { dirtyError } from './errors.ts'
import { openSession, type Session } from './session.ts'

/** Names that are no actions: an app that defines one of them as its own is refused when it is loaded. */
export const reservedNames = ['with', 'then', 'catch', 'finally', 'toJSON', 'constructor', 'init', 'close'] as const
type Reserved = (typeof reservedNames)[number] | `_${string}` | 'signal'

/** What a call answers: awaited it is the value, iterated it is the stream, or the value once. */
export interface DirtyCall<T> extends PromiseLike<T>, AsyncIterable<T> {
  catch<E = never>(onRejected: (reason: unknown) => E | PromiseLike<E>): Promise<T | E>
  finally(onFinally: () => void): Promise<T>
}

/** A call of a generator: iterated only. */
export type DirtyStream<T, R = unknown> = AsyncIterable<T> & { [Symbol.asyncIterator](): AsyncGenerator<T, R> }

/** What the method answers, or promises: a generator, or what is like one, is a stream; an array or a Map is a value. */
type Answer<R> =
  IsAny<R> extends true
    ? DirtyCall<R>
    : [R] extends [AsyncGenerator<infer T, infer End> | Generator<infer T, infer End>]
      ? DirtyStream<T, End>
      : [R] extends [AsyncIterable<infer T>]
        ? DirtyStream<T>
        : DirtyCall<R>
type IsAny<T> = 0 extends 1 & T ? true : false

/** The actions of an app, as its caller sees them. */
export type DirtyActions<App> = {
  readonly [Name in keyof App as Name extends Reserved | symbol
    ? never
    : App[Name] extends (...args: never[]) => unknown
      ? Name
      : never]: App[Name] extends (...args: infer Args) => infer R ? (...args: Args) => Answer<Awaited<R>> : never
}

/** The actions of an app, and `with`, by which its calls get options. */
export type DirtyProxy<App> = DirtyActions<App> & {
  /** The same app, its calls made with these options. */
  with(options: CallOptions): DirtyActions<App>
}

const key = Symbol.for('monoceros.dirty')

interface Shared {
  readonly sessions: Map<string, Promise<Session>>
  /** Those that are connected. */
  readonly present: Map<string, Session>
  /** Sockets of pools that this process has ended: nobody will ever answer there. */
  readonly closed: Set<string>
  /** Of the call that runs at present, in the threads of dirty apps: its lease, and the signal that ends it. */
  lease(): string | null
  signal(): AbortSignal
}

/** One for the whole thread, however often this module is loaded in it. */
export function shared(): Shared {
  const holder = globalThis as { [key]?: Shared }
  holder[key] ??= { sessions: new Map(), present: new Map(), closed: new Set(), lease: () => null, signal: () => never.signal }
  return holder[key]
}

const never = new AbortController()

/** In the thread of a dirty app: where the present call is known. */
export function setCallSource(source: Pick<Shared, 'lease' | 'signal'>): void {
  Object.assign(shared(), source)
}

/** At once where it is connected. */
function presentSession(path: string | undefined): Session | Promise<Session> {
  const session = shared().present.get(path ?? process.env[socketVariable] ?? '')
  return session === undefined || session.isLost ? sessionOf(path) : session
}

export function sessionOf(path: string | undefined): Promise<Session> {
  const { sessions, closed } = shared()
  const at = path ?? process.env[socketVariable]
  if (at === undefined || at === '') return Promise.reject(dirtyError('MON_DIRTY_NO_SOCKET', {}))
  if (closed.has(at)) return Promise.reject(dirtyError('MON_DIRTY_CLOSING', {}))
  const known = sessions.get(at)
  if (known !== undefined) return known.then((session) => (session.isLost ? renew(at, known) : session))
  return renew(at, undefined)
}

function renew(path: string, old: Promise<Session> | undefined): Promise<Session> {
  const { sessions, present } = shared()
  const known = sessions.get(path)
  if (known !== undefined && known !== old) return known
  const session = openSession(path)
  sessions.set(path, session)
  session.then(
    (one) => present.set(path, one),
    () => sessions.get(path) === session && sessions.delete(path),
  )
  return session
}

/** The pool at this socket is no more, and none will come. */
export function forgetSession(path: string): void {
  const { sessions, present, closed } = shared()
  sessions.delete(path)
  present.delete(path)
  closed.add(path)
}

/**
 * What a dirty pool has to do at this moment, one entry for each app.
 *
 * @throws DirtyError MON_DIRTY_CONNECTION, MON_DIRTY_NO_SOCKET
 */
export const dirtyCounts = async ({ socket }: DirtyOptions = {}): Promise<readonly AppCounts[]> => (await sessionOf(socket)).counts()

/** Starts a call by names. */
export function callAction(order: Omit<CallOrder, 'parent'> & { readonly socket?: string | undefined }): RunningCall {
  const { socket, ...rest } = order
  return startCall(() => presentSession(socket), { ...rest, parent: shared().lease() })
}

/** Which pool is called. */
export interface DirtyOptions {
  /** The socket of the dirty pool; by default that of the environment, which monoceros sets in its workers. */
  readonly socket?: string
}

/**
 * The actions of a dirty app. Nothing is connected before the first call.
 *
 * @param app its name, as in `dirty_apps`: the one given before `=`, else the module's base name, else the whole spec
 * @throws DirtyError, with a code, from the calls; see docs/guide/dirty.md
 * @example
 * // app.ts: monoceros app.ts --dirty-app ./images.ts:ImageApp
 * import type { ServerResponse } from 'node:http'
 * import { dirty } from 'monoceros/dirty'
 * import type { ImageApp } from './images.ts'
 *
 * const images = dirty<ImageApp>('images')
 *
 * export default async (_: unknown, res: ServerResponse) => {
 *   const pixels = new Uint8Array(4096)
 *   let bytes = 0
 *   for await (const tile of images.tiles(pixels)) bytes += tile.byteLength
 *   const small = await images.with({ timeoutMs: 5_000 }).thumbnail(pixels, { widthPx: 32 })
 *   res.end(`${bytes} bytes in tiles, ${small.byteLength} in the thumbnail\n`)
 * }
 */
export function dirty<App>(app: string, { socket }: DirtyOptions = {}): DirtyProxy<App> {
  return actionsOf(app, socket, {}, true) as DirtyProxy<App>
}

function actionsOf(app: string, socket: string | undefined, options: CallOptions, hasWith: boolean): unknown {
  const known = new Map<string, unknown>()
  return new Proxy(Object.create(null), {
    get(_, name) {
      if (typeof name !== 'string') return undefined
      if (name === 'with' && hasWith) return (more: CallOptions) => actionsOf(app, socket, more, false)
      // A promise that resolves with it must not take it for another promise.
      if ((reservedNames as readonly string[]).includes(name) || name.startsWith('_')) return undefined
      let action = known.get(name)
      if (action === undefined) {
        action = (...args: unknown[]) => callAction({ ...options, app, action: name, args, socket })
        known.set(name, action)
      }
      return action
    },
    has: (_, name) => typeof name === 'string',
  })
}
