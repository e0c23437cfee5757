/** One call: it starts at once, can be awaited or iterated, and settles in bounded time whatever dies. */

import type { Endpoint } from 'comlink'
import * as Comlink from 'comlink'
import { decode, type Encoded, encode, isClonable } from '../wire/codec.ts'
import { type Frame, frameBytes } from '../wire/frames.ts'
import { type CallHead, creditPortion, fromThread, isThrown, isTimeout, type LeaseWish, type Refusal, toThread } from '../wire/kinds.ts'
import { remoteIn } from '../wire/remote-object.ts'
import type { Thrown } from '../wire/thrown.ts'
import { traceCarrier } from '../wire/trace-context.ts'
import { type DirtyError, dirtyError, fromApp, fromRefusal } from './errors.ts'
import type { Asking, Lease, Session } from './session.ts'

/** How one call of a dirty app is made. */
export interface CallOptions {
  /** Counted from the moment of the call. `dirty_timeout` holds without it, and bounds it. */
  readonly timeoutMs?: number
  /** When it fires the call fails at once, and what runs for it is stopped. */
  readonly signal?: AbortSignal
  /** Higher is sooner; 0 is usual. */
  readonly priority?: number
  /** Calls of one key go to one worker while it lives: for state that the app keeps. */
  readonly key?: string
  /** Buffers that the caller gives away: they are detached, and not copied. */
  readonly transfer?: readonly ArrayBuffer[]
}

export interface CallOrder extends CallOptions {
  readonly app: string
  readonly action: string
  readonly args: readonly unknown[]
  /** The lease under which the caller runs. */
  readonly parent: string | null
}

/** The two ways to read what a call answers. */
export interface RunningCall extends PromiseLike<unknown>, AsyncIterable<unknown> {
  catch<T>(onRejected: (reason: unknown) => T | PromiseLike<T>): Promise<unknown>
  finally(onFinally: () => void): Promise<unknown>
}

type Step =
  | { readonly what: 'chunk'; readonly value: unknown; readonly bytes: number }
  | { readonly what: 'value' | 'end'; readonly value: unknown }
  | { readonly what: 'error'; readonly error: unknown }

const againMs = 20
/** A worker that stands still does not say what became of its thread. */
const fatePatienceMs = 1_000
/** Its parent learns of a death when the kernel says so. */
const deathPatienceMs = 3_000
/** More than the head of a call takes beside its arguments. */
const headRoomBytes = 4_096

/** @param open answers with the session at once where there is one: a call then goes out before anything else runs */
export function startCall(open: () => Session | Promise<Session>, order: CallOrder): RunningCall {
  const steps: Step[] = []
  let wake: (() => void) | null = null
  let isOver = false
  let state: 'connecting' | 'queued' | 'running' = 'connecting'
  let asking: Asking | null = null
  let lease: Lease | null = null
  let session: Session | null = null
  let call = 0
  let timer: NodeJS.Timeout | undefined
  let timeoutMs = order.timeoutMs ?? 0
  /** Ends what waits for the last frame of the call. */
  let onEnded: (() => void) | null = null
  let untakenChunks = 0
  let untakenBytes = 0
  const startedMs = performance.now()
  const trace = traceCarrier()
  const channels = new Map<number, (data: unknown) => void>()

  function push(step: Step): void {
    if (isOver) return
    if (step.what !== 'chunk') {
      isOver = true
      clearTimeout(timer)
      order.signal?.removeEventListener('abort', onAbort)
    }
    steps.push(step)
    wake?.()
  }

  /** It is given up by us: whatever runs for it is told to stop, and its lease comes back when it has. */
  function giveUp(error: DirtyError): void {
    if (isOver) return
    push({ what: 'error', error })
    if (asking !== null && lease === null) asking.cancel()
    if (lease === null || session === null) return
    const isLate = error.code === 'MON_DIRTY_TIMEOUT'
    lease.link.send({ kind: toThread.cancel, call, flags: isLate ? isTimeout : 0, ...encode(null) })
    // The thread may be blocked: its worker ends it then, and says so. Whoever had the lease next would be taken for this call.
    const given = lease
    given.isRecalled = true
    void session.askWorker(given, call, isLate ? 'timeout' : 'end').then(() => lease === given && onEnded?.())
  }

  function onAbort(): void {
    giveUp(dirtyError('MON_DIRTY_CANCELLED', { app: order.app, action: order.action }, order.signal?.reason))
  }

  function startTimer(ms: number): void {
    if (ms <= 0 || isOver) return
    timeoutMs = ms
    clearTimeout(timer)
    const leftMs = Math.max(1, startedMs + ms - performance.now())
    timer = setTimeout(
      () =>
        giveUp(
          dirtyError('MON_DIRTY_TIMEOUT', {
            app: order.app,
            action: order.action,
            phase: state === 'running' ? 'running' : 'queued',
            afterMs: ms,
          }),
        ),
      Math.min(leftMs, 2 ** 31 - 1),
    )
  }

  async function begin(): Promise<void> {
    const { encoded, callbacks } = encodeArguments(order)
    if (order.signal?.aborted) return onAbort()
    order.signal?.addEventListener('abort', onAbort, { once: true })
    startTimer(timeoutMs)
    const opened = open()
    session = opened instanceof Promise ? await opened : opened
    const { limits } = session
    if (limits.timeoutMs > 0 && (timeoutMs === 0 || limits.timeoutMs < timeoutMs)) startTimer(limits.timeoutMs)
    const bytes = frameBytes({ kind: toThread.call, call: 0, ...encoded }) + headRoomBytes
    if (bytes > limits.frameMaxBytes) throw dirtyError('MON_DIRTY_FRAME', { bytes })
    while (!isOver) {
      const got = takeWarm(session) ?? (await acquire(session))
      if (isOver || got === null) return got === null ? undefined : session.giveBack(got)
      if (await send(session, got, encoded, callbacks)) return
      // The worker was gone before it had the call: nothing has been begun. The broker hears of it in a moment.
      await new Promise((resolve) => setTimeout(resolve, againMs))
      // What ended the worker may have ended the broker.
      if (session.isLost) session = await open()
    }
  }

  const takeWarm = (from: Session) => (order.key === undefined ? from.takeWarm(order.app, order.parent) : null)

  async function acquire(from: Session): Promise<Lease | null> {
    state = 'queued'
    const wish: LeaseWish = { app: order.app, key: order.key ?? null, priority: order.priority ?? 0, parent: order.parent }
    asking = from.ask(wish)
    try {
      return await asking.granted
    } catch (error) {
      if (!isOver) throw error
      return null
    }
  }

  /** False when the worker could not be reached at all, or has not begun the call. */
  function send(from: Session, with_: Lease, encoded: Encoded, callbacks: readonly number[]): Promise<boolean> {
    state = 'running'
    lease = with_
    return new Promise((resolve) => {
      let hasHeard = false
      let isWritten = false
      const settle = (isBegun: boolean) => {
        if (lease !== with_) return
        with_.link.close(call)
        lease = null
        if (!isBegun) with_.isRecalled = true
        from.giveBack(with_)
        resolve(isBegun)
      }
      onEnded = () => {
        with_.isRecalled = true
        settle(true)
      }
      call = with_.link.open({
        onFrame(frame) {
          if (frame.kind === fromThread.leaseOver) return settle(false)
          hasHeard = true
          if (hear(frame)) settle(true)
        },
        onLost(problem) {
          // A thread begins what has come to it whole.
          const isUntouched = !isWritten || (!hasHeard && !with_.link.isHeard)
          lease = null
          from.giveBack(with_)
          if (isUntouched && !isOver) return resolve(false)
          void tellLoss(from, with_, call, problem).then(resolve)
        },
      })
      const leftMs = timeoutMs === 0 ? 0 : Math.max(1, Math.round(startedMs + timeoutMs - performance.now()))
      const head: CallHead = { lease: with_.id, app: order.app, action: order.action, leftMs, callbacks, trace }
      const buffers = [Buffer.from(JSON.stringify(head)), ...encoded.buffers]
      with_.link.send({ kind: toThread.call, call, meta: encoded.meta, buffers }, (error) => {
        isWritten = error == null
      })
    })
  }

  /** Its worker knows what became of the thread, unless it is gone itself. False when the call had not been begun. */
  async function tellLoss(from: Session, lost: Lease, lostCall: number, problem: string): Promise<boolean> {
    if (isOver) return true
    const fate = await orNull(from.askWorker(lost, lostCall, 'fate'), fatePatienceMs)
    if (fate?.isUnbegun === true) return false
    const death = fate?.isGone === true ? { how: 'its process has ended', ...(await orNull(from.deathOf(lost), deathPatienceMs)) } : null
    const facts = death ?? { how: fate?.refusal?.facts['how'] ?? problem }
    push({ what: 'error', error: dirtyError('MON_DIRTY_WORKER_LOST', { app: order.app, ...facts }) })
    return true
  }

  /** What cannot be read is the end of this call, not of its process. */
  function hear(frame: Frame): boolean {
    try {
      return onFrame(frame)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      giveUp(dirtyError('MON_DIRTY_NOT_SERIALIZABLE', { what: `the answer of ${order.app}.${order.action}`, problem }, error))
      return frame.kind === fromThread.result || frame.kind === fromThread.error || frame.kind === fromThread.end
    }
  }

  /** True when it was the last of the call. */
  function onFrame(frame: Frame): boolean {
    switch (frame.kind) {
      case fromThread.result:
        push({ what: 'value', value: decode(frame) })
        return true
      case fromThread.chunk:
        push({ what: 'chunk', value: decode(frame), bytes: frameBytes(frame) })
        return false
      case fromThread.end:
        push({ what: 'end', value: decode(frame) })
        return true
      case fromThread.callback:
        channels.get(frame.flags)?.(decode(frame))
        return false
      default:
        push({ what: 'error', error: errorOf(frame) })
        return true
    }
  }

  function errorOf(frame: Frame): DirtyError {
    if (frame.flags === isThrown) return fromApp(decode<Thrown>(frame), order.app, order.action)
    const { code, facts } = decode<Refusal>(frame)
    // The worker knows only what was left when the call came to it.
    return fromRefusal({ code, facts: code === 'MON_DIRTY_TIMEOUT' ? { ...facts, afterMs: timeoutMs } : facts })
  }

  function encodeArguments({ args, transfer }: CallOrder): { encoded: Encoded; callbacks: number[] } {
    const callbacks: number[] = []
    const plain = args.map((value, index) => {
      const remote = remoteIn(value)
      if (remote === undefined && !isProxied(value)) return value
      callbacks.push(index)
      expose(remote?.target ?? (value as object), index)
      return remote?.facts ?? null
    })
    try {
      const encoded = encode(plain)
      // Given away: the caller must not see what it gave any more, and this is what takes it.
      return { encoded: transfer === undefined ? encoded : detached(encoded, transfer), callbacks }
    } catch (error) {
      const index = plain.findIndex((value) => !isClonable(value))
      const what = index === -1 ? `transfer of ${order.app}.${order.action}` : `argument ${index + 1} of ${order.app}.${order.action}`
      const problem = error instanceof Error ? error.message : String(error)
      throw dirtyError('MON_DIRTY_NOT_SERIALIZABLE', { what, problem }, error)
    }
  }

  /** Set up with the first word from the other side: many an object is never used there. */
  function expose(value: object, channel: number): void {
    channels.set(channel, (data) => {
      answerOn(value, channel)
      channels.get(channel)?.(data)
    })
  }

  /** The caller's function, or object, answers what Comlink asks from the other side. */
  function answerOn(value: object, channel: number): void {
    const listeners = new Set<(event: MessageEvent) => void>()
    const endpoint = {
      postMessage(message: unknown) {
        const answer = { kind: toThread.callback, call, flags: channel, ...encode(message) }
        // Comlink tells the other side that there is an answer that cannot be sent.
        if (session !== null && frameBytes(answer) > session.limits.frameMaxBytes)
          throw dirtyError('MON_DIRTY_FRAME', { bytes: frameBytes(answer) })
        lease?.link.send(answer)
      },
      addEventListener: (_: string, listener: (event: MessageEvent) => void) => void listeners.add(listener),
      removeEventListener: (_: string, listener: (event: MessageEvent) => void) => void listeners.delete(listener),
    }
    channels.set(channel, (data) => {
      for (const listener of listeners) listener({ data, origin: '' } as MessageEvent)
    })
    Comlink.expose(value, endpoint as unknown as Endpoint)
  }

  begin().catch((error: unknown) => push({ what: 'error', error }))

  async function next(): Promise<Step> {
    while (steps.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return steps.shift()!
  }

  function taken(bytes: number): void {
    untakenChunks++
    untakenBytes += bytes
    if ((untakenChunks < creditPortion.chunks && untakenBytes < creditPortion.bytes) || lease === null) return
    lease.link.send({ kind: toThread.credit, call, flags: untakenChunks, ...encode(null) })
    untakenChunks = 0
    untakenBytes = 0
  }

  async function value(): Promise<unknown> {
    const step = await next()
    if (step.what === 'error') throw step.error
    if (step.what === 'value') return step.value
    const isStream = dirtyError('MON_DIRTY_IS_STREAM', { app: order.app, action: order.action })
    giveUp(isStream)
    throw isStream
  }

  async function* iterate(): AsyncGenerator<unknown> {
    try {
      for (;;) {
        const step = await next()
        if (step.what === 'error') throw step.error
        if (step.what === 'end') return step.value
        if (step.what === 'value') {
          yield step.value
          return undefined
        }
        if (step.what === 'chunk') taken(step.bytes)
        yield step.value
      }
    } finally {
      // Left before its end: the job stops.
      giveUp(dirtyError('MON_DIRTY_CANCELLED', { app: order.app, action: order.action }))
    }
  }

  let promised: Promise<unknown> | undefined
  const promise = () => (promised ??= value())
  return {
    // biome-ignore lint/suspicious/noThenProperty: a call is awaited like a promise, and only then
    then: (onValue, onError) => promise().then(onValue, onError),
    catch: (onError) => promise().catch(onError),
    finally: (onFinally) => promise().finally(onFinally),
    [Symbol.asyncIterator]: iterate,
  }
}

/** What cannot be had, or not in time, is not known. */
function orNull<T>(work: Promise<T>, patienceMs: number): Promise<T | null> {
  const patience = new Promise<null>((resolve) => setTimeout(resolve, patienceMs, null).unref())
  return Promise.race([work.catch(() => null), patience])
}

function isProxied(value: unknown): value is object {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  // The caller may have a Comlink of its own, whose marker is another symbol of the same name.
  return Comlink.proxyMarker in value || Object.getOwnPropertySymbols(value).some(({ description }) => description === 'Comlink.proxy')
}

function detached({ meta, buffers }: Encoded, transfer: readonly ArrayBuffer[]): Encoded {
  // First: a view of what has been given away has no place and no length any more.
  const places = buffers.map((view) => ({ view, memory: view.buffer, offset: view.byteOffset, bytes: view.byteLength }))
  const moved = new Map<unknown, ArrayBuffer>(transfer.map((buffer) => [buffer, structuredClone(buffer, { transfer: [buffer] })]))
  return {
    meta,
    buffers: places.map(({ view, memory, offset, bytes }) => {
      const owned = moved.get(memory)
      return owned === undefined ? view : new Uint8Array(owned, offset, bytes)
    }),
  }
}
