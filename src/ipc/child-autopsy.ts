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

interface Whose {
  readonly input: { readonly slot: number; readonly age: number }
  readonly pid: number | null
}

export function childAutopsy(
  role: ChildAutopsy['role'],
  { input: { slot, age }, pid }: Whose,
  autopsy: Autopsy,
  isOver: boolean,
): ChildAutopsy {
  return { ...autopsy, at: Date.now(), pid: pid ?? 0, role, slot, age, isOver }
}

/** Of one thread of a process that goes on without it. A stack of null: it came to no statement. */
export function threadAutopsy(thread: number, stack: readonly string[] | null, requests: Autopsy['requests'], blockedMs: number): Autopsy {
  const where = stack === null ? 'native' : 'javascript'
  return { where, phase: `thread ${thread}`, blockedMs, stack: stack ?? [], requests, waitChannel: null, children: [] }
}
