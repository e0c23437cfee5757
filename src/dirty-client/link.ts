/** One connection to a broker or a dirty worker: frames out, frames in by the number of their call, and one end for all. */
import { connect, type Socket } from 'node:net'
import { type Frame, type OutFrame, readFrames, writeFrame } from '../wire/frames.ts'

export interface LinkUser {
  onFrame(frame: Frame): void
  /** The connection is gone, or could not be made. */
  onLost(problem: string): void
}

export interface Link {
  /** Frames that are sent before the connection is there wait for it. */
  send(frame: OutFrame, onWritten?: (error?: Error | null) => void): void
  /** Registers who is told of the frames of a call; returns its number. */
  open(user: LinkUser): number
  close(call: number): void
  destroy(): void
  /** The other side takes no more calls: the connection ends with the last one that it has. */
  leave(): void
  readonly isLost: boolean
  readonly isLeaving: boolean
  /** The other side has said something: what was sent to it may have been begun. A connection alone is the kernel's doing. */
  readonly isHeard: boolean
  readonly users: number
}

export interface LinkOptions {
  readonly path: string
  readonly frameMaxBytes: number
  /** Frames of no call. */
  onOther?(frame: Frame): void
  onLost(): void
}

export function openLink({ path, frameMaxBytes, onOther, onLost }: LinkOptions): Link {
  const users = new Map<number, LinkUser>()
  let nextCall = 1
  let lost: string | null = null
  let isHeard = false
  let isLeaving = false
  const reader = readFrames(
    frameMaxBytes,
    (frame) => {
      isHeard = true
      const user = users.get(frame.call)
      if (user !== undefined) user.onFrame(frame)
      else if (frame.call === 0) onOther?.(frame)
      // Else it is about a call that nobody waits for any more.
    },
    (bytes) => socket.destroy(new Error(`a message of ${bytes} bytes came, which is longer than dirty_frame_max`)),
  )
  // Big answers are received where they stay.
  const socket: Socket = connect({
    path,
    onread: {
      buffer: reader.room,
      callback(bytes) {
        reader.filled(bytes)
        return true
      },
    },
  })
  let problem = 'it was closed'
  socket.on('error', (error) => {
    problem = error.message
  })
  socket.once('close', () => {
    lost = problem
    onLost()
    for (const user of [...users.values()]) user.onLost(problem)
    users.clear()
  })
  socket.unref()

  return {
    send(frame, onWritten) {
      if (lost === null) writeFrame(socket, frame, onWritten)
    },
    open(user) {
      const call = nextCall
      nextCall = nextCall >= 0xffff_fffe ? 1 : nextCall + 1
      users.set(call, user)
      // Only who waits for an answer holds the process.
      if (users.size === 1) socket.ref()
      if (lost !== null) process.nextTick(() => users.delete(call) && user.onLost(problem))
      return call
    },
    close(call) {
      if (!users.delete(call) || users.size > 0) return
      socket.unref()
      if (isLeaving) socket.end()
    },
    destroy: () => void socket.destroy(),
    leave() {
      isLeaving = true
      if (users.size === 0) socket.end()
    },
    get isLeaving() {
      return isLeaving
    },
    get isLost() {
      return lost !== null
    },
    get isHeard() {
      return isHeard
    },
    get users() {
      return users.size
    },
  }
}
