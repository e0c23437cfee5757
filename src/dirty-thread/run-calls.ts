/** Runs the calls of one app in its thread, one at a time: results, streams with credits, callbacks, and the signal that ends them. */
import type { Endpoint } from 'comlink'
import { MonocerosError } from '../base/errors.ts'
import type { DirtyPage } from '../lanes/dirty-page.ts'
import { decode, encode, isClonable } from '../wire/codec.ts'
import { frameBytes } from '../wire/frames.ts'
import { type CallHead, fromThread, isThrown, type Refusal, streamWindow } from '../wire/kinds.ts'
import { withFacts } from '../wire/remote-object.ts'
import { toThrown } from '../wire/thrown.ts'
import type { Answer, DoorHost, Incoming } from './door.ts'

/** An app as its thread has it. */
export type AppInstance = Readonly<Record<string, unknown>>

export interface CallContext {
  readonly lease: string
  readonly signal: AbortSignal
  readonly trace: CallHead['trace']
}

export interface RunnerOptions {
  readonly app: AppInstance
  readonly appName: string
  readonly page: DirtyPage
  /** Upper limit of any call, in milliseconds; 0 = none. */
  readonly timeoutMs: number
  readonly nowMs: () => number
  /** Runs with the context of the call, so that calls made inside know under which lease. */
  within<T>(context: CallContext, run: () => T): T
  /** Makes a function, or an object, of an endpoint that leads to the caller. */
  wrap(endpoint: Endpoint): unknown
}

export type Runner = Pick<DoorHost, 'run' | 'end' | 'credit' | 'callback'>

interface Running {
  readonly call: Incoming
  /** Made when somebody asks for the signal, or the call is told to end. */
  controller: AbortController | null
  ending: 'cancelled' | 'timeout' | null
  /** Bytes of the chunks that the caller has not taken, the oldest first. */
  readonly untaken: number[]
  untakenBytes: number
  wake: (() => void) | null
  readonly channels: Map<number, Channel>
}

/** The way to one callback of the caller. */
interface Channel {
  hear(data: unknown): void
  /** Whoever still waits for an answer of it gets an error. */
  close(): void
}

/** Not the app's own error: it is told by its code. */
class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal, problem: string) {
    super(problem)
    this.refusal = refusal
  }
}

/** A literal with a getter would have a shape of its own each time, which keeps it until the next big garbage collection. */
class Context implements CallContext {
  readonly lease: string
  readonly trace: CallHead['trace']
  readonly #signalOf: () => AbortSignal

  constructor({ lease, trace }: CallHead, signalOf: () => AbortSignal) {
    this.lease = lease
    this.trace = trace
    this.#signalOf = signalOf
  }

  get signal(): AbortSignal {
    return this.#signalOf()
  }
}

const reserved = new Set(['constructor', 'init', 'close', 'with', 'then', 'catch', 'finally', 'toJSON'])

export function createRunner({ app, appName, page, timeoutMs, nowMs, within, wrap }: RunnerOptions): Runner {
  let running: Running | null = null

  async function run(call: Incoming): Promise<Answer> {
    const present: Running = {
      call,
      controller: null,
      ending: null,
      untaken: [],
      untakenBytes: 0,
      wake: null,
      channels: new Map(),
    }
    const { lease, action, leftMs } = call.head
    const startedMs = nowMs()
    const limitMs = Math.min(leftMs || Number.POSITIVE_INFINITY, timeoutMs || Number.POSITIVE_INFINITY)
    const deadlineMs = limitMs === Number.POSITIVE_INFINITY ? 0 : startedMs + limitMs
    // This thread is about to be ended for the call before it.
    if (!page.begin({ lease, call: call.frame.call, action, startedMs, deadlineMs }))
      return { kind: fromThread.leaseOver, flags: 0, ...encode(null) }
    running = present
    let last: Answer
    try {
      last = await answer(present)
    } catch (error) {
      last = thrown(error)
    }
    running = null
    page.end()
    closeChannels(present)
    // What comes of a call that was told to end is its own error, which would hide why.
    return present.ending !== null && last.kind === fromThread.error ? refusal(endOf(call.head, present.ending)) : last
  }

  async function answer(present: Running): Promise<Answer> {
    const { head, frame } = present.call
    const args = decode<unknown[]>({ meta: frame.meta, buffers: frame.buffers.slice(1) })
    const method = actionOf(head.action)
    if (method === null) return refusal({ code: 'MON_DIRTY_NO_ACTION', facts: { app: appName, action: head.action } })
    for (const index of head.callbacks) {
      const reach = () => unawaitable(wrap(endpointOf(present, index)) as object)
      const facts = args[index]
      args[index] = typeof facts === 'object' && facts !== null ? withFacts(facts, reach) : reach()
    }
    const context = new Context(head, () => signalOf(present))
    // A generator has the context of whoever asks it for its next value, so all of it runs inside.
    return await within(context, async () => {
      const value = await Reflect.apply(method, app, args)
      return isStream(value) ? await stream(present, value) : answerOf(fromThread.result, value)
    })
  }

  function signalOf(present: Running): AbortSignal {
    present.controller ??= new AbortController()
    return present.controller.signal
  }

  function actionOf(name: string): ((...args: unknown[]) => unknown) | null {
    if (reserved.has(name) || name.startsWith('_') || name in Object.prototype) return null
    const method = app[name]
    return typeof method === 'function' ? (method as (...args: unknown[]) => unknown) : null
  }

  /** A reader that is slow stops the generator, not the memory. */
  const isFull = ({ untaken, untakenBytes }: Running) => untaken.length >= streamWindow.chunks || untakenBytes >= streamWindow.bytes

  async function stream(present: Running, source: AsyncIterable<unknown> | Iterable<unknown>): Promise<Answer> {
    const iterator = (Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()) as AsyncIterator<unknown>
    const signal = signalOf(present)
    try {
      for (;;) {
        while (isFull(present) && !signal.aborted) await new Promise<void>((resolve) => (present.wake = resolve))
        if (signal.aborted) throw signal.reason
        const { done, value } = await iterator.next()
        if (done === true) return answerOf(fromThread.end, value)
        const chunk = answerOf(fromThread.chunk, value)
        const bytes = frameBytes({ ...chunk, call: 0 })
        present.untaken.push(bytes)
        present.untakenBytes += bytes
        present.call.send(chunk)
      }
    } catch (error) {
      // Its finally blocks run; what they throw is not what ended it.
      try {
        await iterator.return?.()
      } catch {
        // What stopped it has been told, or will be.
      }
      throw error
    }
  }

  function endpointOf(present: Running, channel: number): Endpoint {
    const listeners = new Set<(event: { data: unknown }) => void>()
    const unanswered = new Set<unknown>()
    const hear = (data: unknown) => {
      unanswered.delete((data as { id?: unknown }).id)
      for (const listener of listeners) listener({ data })
    }
    const close = () => {
      for (const id of unanswered) hear({ id, type: 'HANDLER', name: 'throw', value: { isError: true, value: lateError() } })
    }
    present.channels.set(channel, { hear, close })
    return {
      postMessage(message: unknown) {
        // Comlink says so when the callback has been collected, whenever that is, and nobody waits for an answer.
        const isRelease = (message as { type?: unknown }).type === 'RELEASE'
        const isOver = running !== present || present.ending !== null
        if (isOver && isRelease) return
        if (isOver) throw lateError()
        if (!isRelease) unanswered.add((message as { id?: unknown }).id)
        present.call.send({ kind: fromThread.callback, flags: channel, ...encode(message) })
      },
      addEventListener: (_: string, listener: unknown) => void listeners.add(listener as (event: { data: unknown }) => void),
      removeEventListener: (_: string, listener: unknown) => void listeners.delete(listener as (event: { data: unknown }) => void),
    } as unknown as Endpoint
  }

  function closeChannels({ channels }: Running): void {
    for (const channel of channels.values()) channel.close()
  }

  const lateError = () => new MonocerosError('MON_DIRTY_CALLBACK', { app: appName })

  const refusal = (why: Refusal): Answer => ({ kind: fromThread.error, flags: 0, ...encode(why) })

  function thrown(error: unknown): Answer {
    if (error instanceof Refused) return refusal(error.refusal)
    return { kind: fromThread.error, flags: isThrown, ...encode(toThrown(error, isClonable)) }
  }

  /** An answer that cannot be sent is the app's mistake, and is told as one. */
  function answerOf(kind: number, value: unknown): Answer {
    try {
      return { kind, flags: 0, ...encode(value) }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      throw new Refused({ code: 'MON_DIRTY_NOT_SERIALIZABLE', facts: { what: `the answer of ${appName}`, problem } }, problem)
    }
  }

  return {
    run,
    end(why) {
      if (running === null || running.ending !== null) return
      running.ending = why
      const text = why === 'timeout' ? 'the call has timed out' : 'the call was cancelled'
      signalOf(running)
      running.controller?.abort(Object.assign(new Error(text), { name: 'AbortError' }))
      running.wake?.()
      closeChannels(running)
    },
    credit(chunks) {
      if (running === null) return
      for (const bytes of running.untaken.splice(0, chunks)) running.untakenBytes -= bytes
      running.wake?.()
    },
    callback(frame) {
      running?.channels.get(frame.flags)?.hear(decode(frame))
    },
  }
}

function endOf({ app, action, leftMs }: CallHead, why: 'cancelled' | 'timeout'): Refusal {
  if (why === 'cancelled') return { code: 'MON_DIRTY_CANCELLED', facts: { app, action } }
  return { code: 'MON_DIRTY_TIMEOUT', facts: { app, action, phase: 'running', afterMs: leftMs } }
}

/** A callback that fails does not end the thread of an app that has not waited for it. */
function unawaitable(remote: object): object {
  return new Proxy(remote, {
    apply(target, _, args) {
      const answer = Reflect.apply(target as (...args: unknown[]) => Promise<unknown>, undefined, args)
      answer.catch(() => undefined)
      return answer
    },
    get(target, name) {
      const inner = Reflect.get(target, name) as unknown
      return typeof name === 'symbol' || name === 'then' || typeof inner !== 'function' ? inner : unawaitable(inner)
    },
  })
}

/** Generators and what is like them; a string, an array or a Map is a value. */
function isStream(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return Symbol.asyncIterator in value || Object.prototype.toString.call(value) === '[object Generator]'
}
