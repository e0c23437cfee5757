/** Runs the calls of one app in its thread, one at a time: results, streams with credits, callbacks, and the signal that ends them. */
import type { MessagePort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import { MonocerosError } from '../base/errors.ts'
import { decode, type Encoded, encode, isClonable } from '../wire/codec.ts'
import { parseFrame } from '../wire/frames.ts'
import { type CallHead, fromWorker, isThrown, type Refusal, streamWindow } from '../wire/kinds.ts'
import type { FromThread, ToThread } from '../wire/port-messages.ts'
import { toThrown } from '../wire/thrown.ts'

/** An app as its thread has it. */
export type AppInstance = Readonly<Record<string, unknown>>

export interface CallContext {
  readonly lease: string
  readonly signal: AbortSignal
}

export interface RunnerOptions {
  readonly port: MessagePort
  readonly app: AppInstance
  readonly appName: string
  /** Runs with the context of the call, so that calls made inside know under which lease. */
  within<T>(context: CallContext, run: () => T): T
  /** Makes a function, or an object, of an endpoint that leads to the caller. */
  wrap(endpoint: Endpoint): unknown
}

interface Running {
  readonly job: number
  readonly controller: AbortController
  credits: number
  onCredit: (() => void) | null
  readonly channels: Map<number, Channel>
}

/** The way to one callback of the caller. */
interface Channel {
  hear(data: unknown): void
  /** Whoever still waits for an answer of it gets an error. */
  close(): void
}

/** A frame for the caller. */
interface Answer extends Encoded {
  readonly kind: number
  readonly flags: number
}

/** Not the app's own error: it is told by its code. */
class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal, problem: string) {
    super(problem)
    this.refusal = refusal
  }
}

const reserved = new Set(['constructor', 'init', 'close', 'with', 'then', 'catch', 'finally', 'toJSON'])

export function runCalls({ port, app, appName, within, wrap }: RunnerOptions): void {
  let running: Running | null = null

  function send(job: number, { kind, flags, meta, buffers }: Answer, isLast: boolean): void {
    // The app may still have what it answers with. A copy that is handed over is one copy; a port would make two.
    const owned = buffers.map((buffer) => buffer.slice())
    const message: FromThread = { job, kind, flags, meta, buffers: owned, isLast }
    port.postMessage(message, [meta.buffer as ArrayBuffer, ...owned.map((buffer) => buffer.buffer)])
  }

  async function run(job: number, memory: ArrayBuffer, lease: string): Promise<void> {
    const controller = new AbortController()
    const call: Running = { job, controller, credits: streamWindow, onCredit: null, channels: new Map() }
    running = call
    let last: Answer
    try {
      last = await answer(call, memory, lease)
    } catch (error) {
      last = thrown(error)
    }
    running = null
    closeChannels(call)
    send(job, last, true)
  }

  async function answer(call: Running, memory: ArrayBuffer, lease: string): Promise<Answer> {
    const frame = parseFrame(memory)
    const head = JSON.parse(Buffer.from(frame.buffers[0]!).toString()) as CallHead
    const args = decode<unknown[]>({ meta: frame.meta, buffers: frame.buffers.slice(1) })
    const method = actionOf(head.action)
    if (method === null) return refusal({ code: 'MON_DIRTY_NO_ACTION', facts: { app: appName, action: head.action } })
    for (const index of head.callbacks) args[index] = unawaitable(wrap(endpointOf(call, index)) as object)
    const { controller } = call
    const context: CallContext = {
      lease,
      // Not made before it is asked for.
      get signal() {
        return controller.signal
      },
    }
    // A generator has the context of whoever asks it for its next value, so all of it runs inside.
    return await within(context, async () => {
      const value = await Reflect.apply(method, app, args)
      return isStream(value) ? await stream(call, value) : answerOf(fromWorker.result, value)
    })
  }

  function actionOf(name: string): ((...args: unknown[]) => unknown) | null {
    if (reserved.has(name) || name.startsWith('_') || name in Object.prototype) return null
    const method = app[name]
    return typeof method === 'function' ? (method as (...args: unknown[]) => unknown) : null
  }

  async function stream(call: Running, source: AsyncIterable<unknown> | Iterable<unknown>): Promise<Answer> {
    const iterator = (Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()) as AsyncIterator<unknown>
    const { signal } = call.controller
    try {
      for (;;) {
        // A reader that is slow stops the generator, not the memory.
        while (call.credits === 0 && !signal.aborted) await new Promise<void>((resolve) => (call.onCredit = resolve))
        if (signal.aborted) throw signal.reason
        const { done, value } = await iterator.next()
        if (done === true) return answerOf(fromWorker.end, value)
        call.credits--
        send(call.job, answerOf(fromWorker.chunk, value), false)
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

  function endpointOf(call: Running, channel: number): Endpoint {
    const listeners = new Set<(event: { data: unknown }) => void>()
    const unanswered = new Set<unknown>()
    const hear = (data: unknown) => {
      unanswered.delete((data as { id?: unknown }).id)
      for (const listener of listeners) listener({ data })
    }
    const close = () => {
      for (const id of unanswered) hear({ id, type: 'HANDLER', name: 'throw', value: { isError: true, value: lateError() } })
    }
    call.channels.set(channel, { hear, close })
    return {
      postMessage(message: unknown) {
        // Comlink says so when the callback has been collected, whenever that is, and nobody waits for an answer.
        const isRelease = (message as { type?: unknown }).type === 'RELEASE'
        const isOver = running !== call || call.controller.signal.aborted
        if (isOver && isRelease) return
        if (isOver) throw lateError()
        if (!isRelease) unanswered.add((message as { id?: unknown }).id)
        send(call.job, { kind: fromWorker.callback, flags: channel, ...encode(message) }, false)
      },
      addEventListener: (_: string, listener: unknown) => void listeners.add(listener as (event: { data: unknown }) => void),
      removeEventListener: (_: string, listener: unknown) => void listeners.delete(listener as (event: { data: unknown }) => void),
    } as unknown as Endpoint
  }

  function closeChannels({ channels }: Running): void {
    for (const channel of channels.values()) channel.close()
  }

  const lateError = () => new MonocerosError('MON_DIRTY_CALLBACK', { app: appName })

  const refusal = (why: Refusal): Answer => ({ kind: fromWorker.error, flags: 0, ...encode(why) })

  function thrown(error: unknown): Answer {
    if (error instanceof Refused) return refusal(error.refusal)
    return { kind: fromWorker.error, flags: isThrown, ...encode(toThrown(error, isClonable)) }
  }

  port.on('message', (message: ToThread) => {
    if (message.type === 'call') return void run(message.job, message.memory, message.lease)
    if (running === null || running.job !== message.job) return
    switch (message.type) {
      case 'cancel':
        running.controller.abort(
          Object.assign(new Error(message.why === 'timeout' ? 'the call has timed out' : 'the call was cancelled'), { name: 'AbortError' }),
        )
        running.onCredit?.()
        closeChannels(running)
        break
      case 'credit':
        running.credits += message.count
        running.onCredit?.()
        break
      case 'callback': {
        const frame = parseFrame(message.memory)
        running.channels.get(frame.flags)?.hear(decode(frame))
        break
      }
    }
  })

  /** An answer that cannot be sent is the app's mistake, and is told as one. */
  function answerOf(kind: number, value: unknown): Answer {
    try {
      return { kind, flags: 0, ...encode(value) }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      throw new Refused({ code: 'MON_DIRTY_NOT_SERIALIZABLE', facts: { what: `the answer of ${appName}`, problem } }, problem)
    }
  }
}

/** A callback that fails does not end the thread of an app that has not waited for it. */
function unawaitable(remote: object): unknown {
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
