/** The limit of connections: a full worker leaves new clients to the others, and makes room without cutting anybody off. */
import type { Connections } from './connections.ts'
import { keepLooking, type Patience } from './idle.ts'

export interface RoomOptions {
  readonly connectionsMax: number
  readonly patience: Patience
  readonly connections: Connections
  pause(): void
  resume(): void
}

export interface Room {
  /** While it is, the answers given are the last of their connections, so that places come free. */
  readonly isFull: boolean
  opened(): void
  closed(): void
}

const lookMs = 20

export function createRoom({ connectionsMax, patience, connections, pause, resume }: RoomOptions): Room {
  let stopLooking: (() => void) | null = null
  return {
    get isFull() {
      return stopLooking !== null
    },
    opened() {
      if (connections.size < connectionsMax || stopLooking !== null) return
      pause()
      stopLooking = keepLooking(lookMs, (isAllRead) => {
        if (isAllRead) connections.closeIdlest(patience)
      })
    },
    closed() {
      if (stopLooking === null || connections.size >= connectionsMax) return
      stopLooking()
      stopLooking = null
      resume()
    },
  }
}
