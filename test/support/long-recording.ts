/** A recording as two hundred workers make one in the course of hours. */
import type { Transition } from '../../src/ipc/transition.ts'

export function longRecording(workers: number, stepsMin: number): string {
  const lines: string[] = []
  const made = new Map<number, number>()
  let at = Date.parse('2026-01-31T12:00:00Z')
  let age = 0
  type Told = Pick<Transition, 'chart' | 'actor' | 'event' | 'from' | 'to'> & Partial<Transition>
  const add = (pid: number, told: Told) => {
    const seq = (made.get(pid) ?? 0) + 1
    made.set(pid, seq)
    at += 2
    const step: Transition = { at, pid, seq, role: 'arbiter', slot: null, age: null, isOver: false, facts: {}, cause: null, ...told }
    lines.push(JSON.stringify(step))
  }
  const arbiter = { chart: 'arbiter', actor: 'arbiter' }
  const boot = (slot: number, cause: string | null) => {
    const pid = 1_000 + ++age
    const own = { role: 'worker', slot, age, chart: 'worker', actor: 'worker' } as const
    const handle = { chart: 'worker-handle', actor: `worker-handle ${age}`, facts: { slot, age, generation: 1, childPid: pid } }
    add(1, { ...handle, event: 'start', from: null, to: 'booting.loading', cause })
    add(pid, { ...own, event: 'start', from: null, to: 'booting.loading' })
    add(pid, { ...own, event: 'open done', from: 'booting.opening', to: 'ready' })
    add(1, { ...handle, event: 'child.ready', from: 'booting.loading', to: 'ready' })
    return { pid, own, handle }
  }
  const end = ({ pid, own, handle }: ReturnType<typeof boot>, cause: string) => {
    add(1, { ...handle, event: 'stop', from: 'ready', to: 'draining', cause })
    add(pid, { ...own, event: 'drain', from: 'ready', to: 'draining.finishing', cause })
    add(pid, { ...own, event: 'shutDown done', from: 'draining.closing', to: 'gone', isOver: true })
    add(1, { ...handle, event: 'child.exited', from: 'draining', to: 'gone', isOver: true, cause: 'exit code 0' })
  }
  add(1, { ...arbiter, event: 'start', from: null, to: 'booting.preparing' })
  const living = Array.from({ length: workers }, (_, slot) => boot(slot, null))
  add(1, { ...arbiter, event: 'always', from: 'booting.filling', to: 'ready.steady' })
  for (let turn = 0; lines.length < stepsMin; turn++) {
    at += 400
    const slot = (turn * 7) % workers
    const old = living[slot]!
    living[slot] = boot(slot, 'SIGHUP')
    end(old, 'SIGHUP')
  }
  return `${lines.join('\n')}\n`
}
