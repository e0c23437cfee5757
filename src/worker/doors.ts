/** How a worker joins and leaves the accept set. A paused door is closed here and asked for again: the queue stays in the kernel. */
import { createServer, Server, type Socket } from 'node:net'
import type { ListenerFact } from '../ipc/messages.ts'
import { handOver } from '../os/http-internals.ts'

export interface DoorsOptions {
  readonly backlog: number
  /** Asks the arbiter for a listener's handle again. */
  askHandle(listenerId: string): Promise<unknown>
  onConnection(socket: Socket): void
  onProblem(problem: unknown): void
}

export interface Door {
  readonly listener: ListenerFact
  readonly server: Server
}

type Source =
  | { readonly fd: number }
  | { readonly handle: unknown }
  | { readonly reusePort: { readonly host: string; readonly port: number } }

export interface Doors {
  open(door: Door, source: Source): Promise<void>
  /** Leaves the accept set for a while; what the kernel has queued goes to the other workers. */
  pause(): void
  resume(): void
  /** Leaves it for good. */
  close(): void
  /** Closes the doors of one server, as its own close() asks. */
  closeOf(server: Server): void
  readonly isPaused: boolean
}

/** Taken before every listen() of the process that names an address is held to be the app's. */
const nativeListen = Server.prototype.listen

interface OpenDoor extends Door {
  gate: Server | null
  readonly again: Source | null
}

export function createDoors(options: DoorsOptions): Doors {
  const doors: OpenDoor[] = []
  let isPaused = false
  let isClosed = false

  async function openGate(door: OpenDoor, source: Source): Promise<void> {
    const target = door.server as Server & { allowHalfOpen?: boolean }
    const gate = createServer({ allowHalfOpen: target.allowHalfOpen ?? false, noDelay: true }, (socket) => {
      options.onConnection(socket)
      handOver(socket, gate, door.server)
    })
    door.gate = gate
    await new Promise<void>((resolve, reject) => {
      gate.once('listening', resolve)
      gate.once('error', reject)
      listen(gate, source)
    })
    gate.removeAllListeners('error')
    gate.on('error', options.onProblem)
    // It was told to pause or close while it opened.
    if (isPaused || isClosed) shut(door)
  }

  // The backlog counts only as the second positional argument; in an options object Node ignores it for a descriptor.
  function listen(gate: Server, source: Source): void {
    if ('fd' in source) gate.listen({ fd: source.fd }, options.backlog)
    else if ('handle' in source) gate.listen(source.handle as never, options.backlog)
    else nativeListen.call(gate, { ...source.reusePort, backlog: options.backlog, reusePort: true } as never)
  }

  function shut(door: OpenDoor): void {
    door.gate?.close()
    door.gate = null
  }

  async function reopen(door: OpenDoor): Promise<void> {
    try {
      const source = door.again ?? { handle: await options.askHandle(door.listener.id) }
      const isWanted = !isPaused && !isClosed && door.gate === null && doors.includes(door)
      if (isWanted) await openGate(door, source)
      // It was paused again, or opened by an earlier answer, while the handle was on its way.
      else if ('handle' in source) (source.handle as { close(): void }).close()
    } catch (error) {
      if (!isClosed) options.onProblem(error)
    }
  }

  return {
    async open(door, source) {
      const entry: OpenDoor = { ...door, gate: null, again: 'reusePort' in source ? source : null }
      doors.push(entry)
      await openGate(entry, source)
    },
    pause() {
      if (isPaused || isClosed) return
      isPaused = true
      for (const door of doors) shut(door)
    },
    resume() {
      if (!isPaused || isClosed) return
      isPaused = false
      for (const door of doors) void reopen(door)
    },
    close() {
      isClosed = true
      for (const door of doors) shut(door)
    },
    closeOf(server) {
      for (const door of doors.filter((candidate) => candidate.server === server)) {
        shut(door)
        doors.splice(doors.indexOf(door), 1)
      }
    },
    get isPaused() {
      return isPaused
    },
  }
}
