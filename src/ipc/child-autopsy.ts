import type { Autopsy } from './messages.ts'

/** An autopsy with whom it is of, as those who look on are told it. */
export interface ChildAutopsy extends Autopsy {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly pid: number
  readonly role: 'worker' | 'dirty-arbiter' | 'dirty-worker'
  readonly slot: number
  readonly age: number
  /** Of a loop that turned again: nobody was killed. */
  readonly isOver: boolean
}
