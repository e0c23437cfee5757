import type { Transition } from '../../../src/ipc/transition.ts'

let seq = 0

/** A step with what matters to the test; the rest is anything. */
export function step(given: Partial<Transition> = {}): Transition {
  seq++
  return {
    at: 1_000_000 + seq,
    pid: 100,
    seq,
    role: 'worker',
    slot: 0,
    age: 1,
    chart: 'worker',
    actor: given.chart ?? 'worker',
    event: 'open done',
    from: 'booting.opening',
    to: 'ready',
    isOver: false,
    facts: {},
    cause: null,
    ...given,
  }
}
