/** Runs the calls of one app in its thread, one at a time: results, streams with credits, callbacks, and the signal that ends them. */
import type { MessagePort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import { decode, type Encoded, encode } from '../wire/codec.ts'
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
  readonly channels: Map<number, (data: unknown) => void>
}

const reserved = new Set(['constructor', 'init', 'close', 'with', 'then', 'catch', 'finally', 'toJSON'])

export function runCalls({ port, app, appName, within, wrap }: RunnerOptions): void {
  let running: Running | null = null

  function send(job: number, kind: number, flags: number, { meta, buffers }: Encoded): void {
    const message: FromThread = { type: 'frame', job, kind, flags, meta, buffers }
    port.postMessage(message, meta.buffer instanceof ArrayBuffer ? [meta.buffer] : [])
  }

  function sendRefusal(job: number, refusal: Refusal): void {
    send(job, fromWorker.error, 0, encode(refusal))
  }

  async function run(job: number, memory: ArrayBuffer, lease: string): Promise<void> {
    const controller = new AbortController()
    const call: Running = { job, controller, credits: streamWindow, onCredit: null, channels: new Map() }
    running = call
    try {
      const frame = parseFrame(memory)
      const head = JSON.parse(Buffer.from(frame.buffers[0]!).toString()) as CallHead
      const args = decode<unknown[]>({ meta: frame.meta, buffers: frame.buffers.slice(1) })
      const method = actionOf(head.action)
      if (method === null) return sendRefusal(job, { code: 'MON_DIRTY_NO_ACTION', facts: { app: appName, action: head.action } })
      for (const index of head.callbacks) args[index] = wrap(endpointOf(call, index))
      const value = await within({ lease, signal: controller.signal }, () => Reflect.apply(method, app, args))
      if (isStream(value))
        await stream(
          call,
          within({ lease, signal: controller.signal }, () => value),
        )
      else send(job, fromWorker.result, 0, encodeAnswer(value))
    } catch (error) {
      sendThrown(job, error)
    } finally {
      running = null
      port.postMessage({ type: 'done', job } satisfies FromThread)
    }
  }

  function actionOf(name: string): ((...args: unknown[]) => unknown) | null {
    if (reserved.has(name) || name.startsWith('_') || name in Object.prototype) return null
    const method = app[name]
    return typeof method === 'function' ? (method as (...args: unknown[]) => unknown) : null
  }

  async function stream(call: Running, source: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    const iterator = (Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()) as AsyncIterator<unknown>
    const { signal } = call.controller
    try {
      for (;;) {
        // A reader that is slow stops the generator, not the memory.
        while (call.credits === 0 && !signal.aborted) await new Promise<void>((resolve) => (call.onCredit = resolve))
        if (signal.aborted) throw signal.reason
        const { done, value } = await iterator.next()
        if (done === true) {
          send(call.job, fromWorker.end, 0, encodeAnswer(value))
          return
        }
        call.credits--
        send(call.job, fromWorker.chunk, 0, encodeAnswer(value))
      }
    } catch (error) {
      // Its finally blocks run; what they throw is not what ended it.
      await iterator.return?.().catch(() => undefined)
      throw error
    }
  }

  function endpointOf(call: Running, channel: number): Endpoint {
    const listeners = new Set<(event: { data: unknown }) => void>()
    call.channels.set(channel, (data) => {
      for (const listener of listeners) listener({ data })
    })
    return {
      postMessage: (message: unknown) => send(call.job, fromWorker.callback, channel, encode(message)),
      addEventListener: (_: string, listener: unknown) => void listeners.add(listener as (event: { data: unknown }) => void),
      removeEventListener: (_: string, listener: unknown) => void listeners.delete(listener as (event: { data: unknown }) => void),
    } as unknown as Endpoint
  }

  function sendThrown(job: number, error: unknown): void {
    const refusal = (error as { refusal?: Refusal } | null)?.refusal
    if (refusal !== undefined) sendRefusal(job, refusal)
    else send(job, fromWorker.error, isThrown, encode(toThrown(error, isClonable)))
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
        break
      case 'credit':
        running.credits += message.count
        running.onCredit?.()
        break
      case 'callback': {
        const frame = parseFrame(message.memory)
        running.channels.get(frame.flags)?.(decode(frame))
        break
      }
    }
  })

  /** An answer that cannot be sent is the app's mistake, and is told as one. */
  function encodeAnswer(value: unknown): Encoded {
    try {
      return encode(value)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      throw Object.assign(new Error(problem), {
        refusal: { code: 'MON_DIRTY_NOT_SERIALIZABLE', facts: { what: `the answer of ${appName}`, problem } } satisfies Refusal,
      })
    }
  }
}

function isClonable(value: unknown): boolean {
  try {
    encode(value)
    return true
  } catch {
    return false // it stays behind, the rest of the error goes
  }
}

/** Generators and what is like them; a string, an array or a Map is a value. */
function isStream(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return Symbol.asyncIterator in value || Object.prototype.toString.call(value) === '[object Generator]'
}
