/** Where the thread of a dirty app is called: its socket, who is connected, and the calls under a lease that still holds. */
import { createServer, type Server, type Socket } from 'node:net'
import { type Encoded, encode } from '../wire/codec.ts'
import { type Frame, frameBytes, hearFrames, smallFrameBytes, writeFrame } from '../wire/frames.ts'
import { type CallHead, fromThread, isTimeout, type Refusal, toThread } from '../wire/kinds.ts'
import { createCopies } from './copies.ts'

/** A frame for a caller. */
export interface Answer extends Encoded {
  readonly kind: number
  readonly flags: number
}

/** A call that has come, from its first frame to the last of its answer. */
export interface Incoming {
  readonly head: CallHead
  readonly frame: Frame
  send(answer: Answer): void
}

export interface DoorHost {
  /** Settles when the call is over. Only then is another begun. */
  run(call: Incoming): Promise<Answer>
  /** The call that runs is to end. */
  end(why: 'cancelled' | 'timeout'): void
  /** Chunks of the stream that runs were taken. */
  credit(chunks: number): void
  /** An answer of a callback of the call that runs. */
  callback(frame: Frame): void
  /** Nothing runs under the revoked lease any more. */
  onOver(lease: string): void
  onDone(): void
}

export interface Door {
  listen(path: string): Promise<void>
  revoke(lease: string): void
  /** Ends the call that runs under this lease, if its number is not beyond that one. */
  endCall(lease: string, call: number | null, why: 'cancelled' | 'timeout'): void
  /** Takes no more calls. Settles when the one that runs is over and the callers have gone. */
  leave(): Promise<void>
}

interface Pending {
  readonly socket: Socket
  readonly frame: Frame
  readonly head: CallHead
}

const overMax = 1_000
const headIn = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString()) as CallHead

/** A caller that stands still is not waited for any longer. */
const farewellMs = 1_000

export function openDoor(frameMaxBytes: number, host: DoorHost): Door {
  const sockets = new Set<Socket>()
  /** Revoked: a call that its holder had already sent may still come. */
  const over = new Set<string>()
  const pending: Pending[] = []
  const copies = createCopies()
  let running: Pending | null = null
  /** Why the call that runs was ended: it is told when it is over, as the next one may be sent then. */
  let tooLarge: Answer | null = null
  let isLeaving = false
  let onQuiet: (() => void) | null = null

  function hear(socket: Socket, frame: Frame): void {
    const isOfRunning = running !== null && running.socket === socket && running.frame.call === frame.call
    switch (frame.kind) {
      case toThread.call:
        // What has no head is of no client of ours.
        if (frame.buffers.length === 0) return void socket.destroy()
        pending.push({ socket, frame, head: headIn(frame.buffers[0]!) })
        if (running === null) void runNext()
        break
      case toThread.cancel:
        if (isOfRunning) host.end(frame.flags === isTimeout ? 'timeout' : 'cancelled')
        else passOver(socket, frame.call)
        break
      case toThread.credit:
        if (isOfRunning) host.credit(frame.flags)
        break
      case toThread.callback:
        if (isOfRunning) host.callback(frame)
        break
    }
  }

  /** It waits for the one that runs, and is not begun when that is over. */
  function passOver(socket: Socket, call: number): void {
    const index = pending.findIndex((one) => one.socket === socket && one.frame.call === call)
    if (index === -1) return
    pending.splice(index, 1)
    refuse(socket, call)
  }

  const refuse = (socket: Socket, call: number) => writeFrame(socket, { kind: fromThread.leaseOver, call, ...encode(null) })

  async function runNext(): Promise<void> {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const { socket, frame, head } = next
      if (socket.destroyed) continue
      // Its place may be another caller's by now.
      if (isLeaving || over.has(head.lease)) {
        refuse(socket, frame.call)
        continue
      }
      running = next
      tooLarge = null
      const last = await host.run({
        head,
        frame,
        send: (answer) => send(socket, frame.call, answer),
      })
      running = null
      send(socket, frame.call, tooLarge ?? last)
      host.onDone()
      if (over.has(head.lease)) host.onOver(head.lease)
    }
    endIfQuiet()
  }

  /** What is too long its caller could not read on after, and has other calls on this connection. */
  function send(socket: Socket, call: number, answer: Answer): void {
    if (socket.destroyed) return
    const { kind, flags, meta, buffers } = answer
    const bytes = frameBytes({ kind, call, meta, buffers })
    if (bytes > frameMaxBytes) {
      const refusal: Answer = {
        kind: fromThread.error,
        flags: 0,
        ...encode({ code: 'MON_DIRTY_FRAME', facts: { bytes } } satisfies Refusal),
      }
      if (running === null) return void send(socket, call, refusal)
      tooLarge ??= refusal
      host.end('cancelled')
      return
    }
    if (bytes <= smallFrameBytes) {
      writeFrame(socket, { kind, flags, call, meta, buffers })
      return
    }
    const { copies: owned, free } = copies.take(buffers)
    writeFrame(socket, { kind, flags, call, meta, buffers: owned }, free)
  }

  function endIfQuiet(): void {
    if (onQuiet !== null && running === null && sockets.size === 0) onQuiet()
  }

  const server: Server = createServer((socket) => {
    sockets.add(socket)
    writeFrame(socket, { kind: isLeaving ? fromThread.goodbye : fromThread.hello, call: 0, ...encode(null) })
    hearFrames(
      socket,
      frameMaxBytes,
      (frame) => hear(socket, frame),
      (bytes) => {
        writeFrame(socket, { kind: fromThread.error, call: 0, ...encode({ code: 'MON_DIRTY_FRAME', facts: { bytes } } satisfies Refusal) })
        socket.destroySoon()
      },
    )
    socket.once('close', () => {
      sockets.delete(socket)
      if (running?.socket === socket) host.end('cancelled')
      endIfQuiet()
    })
  })

  return {
    listen: (path) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, resolve)
      }),
    revoke(lease) {
      over.add(lease)
      const [oldest] = over
      if (over.size > overMax && oldest !== undefined) over.delete(oldest)
      if (running?.head.lease !== lease) host.onOver(lease)
    },
    endCall(lease, call, why) {
      // The holder of the lease may have sent its next call by now.
      if (running?.head.lease === lease && (call === null || running.frame.call <= call)) host.end(why)
    },
    leave() {
      return new Promise((resolve) => {
        isLeaving = true
        let timer: NodeJS.Timeout | undefined
        onQuiet = () => {
          onQuiet = null
          clearTimeout(timer)
          server.close()
          resolve()
        }
        for (const socket of sockets) writeFrame(socket, { kind: fromThread.goodbye, call: 0, ...encode(null) })
        const giveUp = () => {
          if (running === null) onQuiet?.()
          else timer = setTimeout(giveUp, farewellMs)
        }
        timer = setTimeout(giveUp, farewellMs)
        endIfQuiet()
      })
    },
  }
}
