import { describe, expect, test } from 'vitest'
import type { AnyMachineSnapshot } from 'xstate'
import { type SidecarInput, type SidecarRestart, sidecarMachine } from '../../machines/sidecar.ts'
import { after, cannotReach, expectSound, type Node, type Sample, walk } from './walk.ts'

const input: SidecarInput = { name: 'redis', restart: 'always', bootTimeoutMs: 30_000, graceMs: 10_000, isAwaited: true }

const spawned: Sample = { type: 'child.spawned', pid: 7 }
const ready: Sample = { type: 'child.ready', readyMs: 20 }
const failed: Sample = { type: 'child.failed', problem: 'somebody else listens there' }
const stop = (isQuick = false): Sample => ({ type: 'stop', reason: 'stop', isQuick })
const force: Sample = { type: 'force' }
const exited = (code: number | null, signal: string | null = null, atMs = 1_000): Sample => ({
  type: 'child.exited',
  exit: { code, signal, atMs, dice: 0 },
})
const broke: Sample = { type: 'xstate.error.actor.child', error: new Error('a bug') }
const bootOver: Sample = { type: 'xstate.after.bootTimeout.sidecar.booting' }
const graceOver: Sample = { type: 'xstate.after.grace.sidecar.draining' }
const backoffOver: Sample = { type: 'xstate.after.backoff.sidecar.gone.waiting' }

const sidecar = (changes: Partial<SidecarInput>, ...events: Sample[]) => after(sidecarMachine, { ...input, ...changes }, ...events)
const pauseOf = (...events: Sample[]) => {
  const [timer] = sidecar({}, ...events).told('xstate.raise') as { delay: number }[]
  return timer?.delay
}
const notesOf = (step: ReturnType<typeof sidecar>) => (step.told('note') as { event: string }[]).map(({ event }) => event)

/** It has died as often as may be without a wait. */
const often = Array.from({ length: 10 }, (_, count) => [exited(1, null, 1_000 + count), backoffOver, spawned, ready]).flat()

const policies: [SidecarRestart, boolean][] = [
  ['always', true],
  ['always', false],
  ['on-failure', true],
  ['on-failure', false],
  ['never', true],
  ['never', false],
]

const walkOf = ({ restart, isAwaited, from }: { restart: SidecarRestart; isAwaited: boolean; from?: AnyMachineSnapshot }) =>
  walk(sidecarMachine, {
    input: { ...input, restart, isAwaited },
    ...(from === undefined ? {} : { from }),
    // Without a process nothing comes from it.
    events: (snapshot) =>
      snapshot.matches('gone')
        ? [stop(), stop(true), force, backoffOver]
        : [spawned, ready, failed, exited(0), exited(1), exited(null, 'SIGKILL'), broke, stop(), stop(true), force, bootOver, graceOver],
    essentials: ({ hasServed, wasReady, stop: told, killReason, delayMs }) => [hasServed, wasReady, told, killReason, delayMs > 1_000],
  })

const walks = [
  ...policies.map(([restart, isAwaited]) => walkOf({ restart, isAwaited })),
  walkOf({ restart: 'always', isAwaited: true, from: sidecar({}, spawned, ready, ...often).snapshot }),
]

describe('every state of a sidecar', () => {
  test('is reached, and every one can end', () => {
    expectSound(sidecarMachine, walks)
  })

  test('ends after a stop, however its process ends', () => {
    const isTold = ({ snapshot }: Node) => snapshot.context['stop'] !== null && snapshot.status === 'active'
    for (const { nodes } of walks) {
      const told = [...nodes.values()].filter(isTold)
      expect(told.length).toBeGreaterThan(0)
      for (const { next } of told) {
        const ends = next.filter(({ event }) => /^(child\.exited|xstate\.error\.actor\.child)$/.test(event.type))
        expect(ends.map(({ key }) => nodes.get(key)?.snapshot.value)).toEqual(ends.map(() => 'stopped'))
        expect(ends.length).toBeGreaterThan(0)
      }
    }
  })

  test('with a process is left by time alone, unless it is ready', () => {
    const isQuiet = ({ snapshot }: Node) => !snapshot.matches('draining') && !snapshot.matches('booting')
    for (const one of walks) expect(cannotReach(one, isQuiet, ({ type }) => type.startsWith('xstate.after.'))).toEqual([])
  })

  test('that has a process can be told to stop and to be killed', () => {
    for (const { nodes } of walks) {
      for (const { snapshot, next } of nodes.values()) {
        if (snapshot.status !== 'active' || snapshot.matches('gone')) continue
        const killed = next.find(({ event }) => event.type === 'force')
        expect(nodes.get(killed?.key ?? '')?.snapshot.value).toBe('killing')
      }
    }
  })
})

describe('the start', () => {
  test('one that gets ready is told', () => {
    const step = sidecar({}, spawned, ready)
    expect([step.told('tellReady').length, step.snapshot.hasTag('takes-traffic')]).toEqual([1, true])
  })

  test('the first that does not get ready is told with its reason, and no other is started', () => {
    const step = sidecar({}, spawned, exited(1))
    expect(step.told('tellFailed')).toEqual([{ problem: 'exited with code 1 before it was ready' }])
    expect(step.snapshot.value).toEqual({ gone: 'failed' })
    expect(sidecar({}, failed, exited(null)).told('tellFailed')).toEqual([{ problem: 'somebody else listens there' }])
    expect(sidecar({}, spawned, bootOver, exited(null, 'SIGKILL')).told('tellFailed')).toEqual([
      { problem: 'not ready within its bootTimeout' },
    ])
  })

  test('unless nobody waits for it: then another is', () => {
    expect(sidecar({ isAwaited: false }, spawned, exited(1)).snapshot.value).toEqual({ gone: 'waiting' })
  })

  test('one that goes to the background has ended before it was ready', () => {
    expect(sidecar({}, spawned, exited(0)).snapshot.value).toEqual({ gone: 'failed' })
  })

  test('one that may finish has done what it is for, and is not started again', () => {
    for (const restart of ['on-failure', 'never'] as const) {
      const step = sidecar({ restart }, spawned, exited(0))
      expect([step.snapshot.value, step.told('tellReady').length]).toEqual([{ gone: 'finished' }, 1])
      expect(notesOf(step)).toEqual(['sidecar.finished'])
    }
  })

  test('one that is told to stop while it boots is asked first', () => {
    expect(sidecar({}, spawned, stop()).sent()).toEqual([{ type: 'drain' }])
    expect(sidecar({}, spawned, stop(), exited(null, 'SIGTERM')).snapshot.status).toBe('done')
  })
})

describe('the life', () => {
  test.each([
    ['always', 0, 'waiting'],
    ['always', 1, 'waiting'],
    ['on-failure', 0, 'finished'],
    ['on-failure', 1, 'waiting'],
    ['never', 0, 'finished'],
    ['never', 1, 'finished'],
  ] as const)('with restart %s an exit code %i leads to %s', (restart, code, state) => {
    expect(sidecar({ restart }, spawned, ready, exited(code)).snapshot.value).toEqual({ gone: state })
  })

  test('one that was killed has failed', () => {
    expect(sidecar({ restart: 'on-failure' }, spawned, ready, exited(null, 'SIGKILL')).snapshot.value).toEqual({ gone: 'waiting' })
  })

  test('one that dies is started again with the next age, and what is known of the last one is forgotten', () => {
    const { snapshot } = sidecar({}, spawned, ready, exited(1), backoffOver)
    expect(snapshot.value).toBe('booting')
    expect(snapshot.context).toMatchObject({ age: 2, pid: null, exit: null, wasReady: false, hasServed: true })
  })

  test('ten are started at once, then each waits for longer, to the half minute', () => {
    const pauses: (number | undefined)[] = []
    const events: Sample[] = [spawned, ready]
    for (let count = 0; count < 22; count++) {
      events.push(exited(0, null, 1_000 + count))
      pauses.push(pauseOf(...events))
      events.push(backoffOver)
    }
    expect(pauses.slice(0, 13)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 50, 100, 200])
    expect(pauses.at(-1)).toBe(15_000)
  })

  test('a wait is told where it is long enough to be one', () => {
    expect(notesOf(sidecar({}, spawned, ready, exited(1)))).toEqual(['sidecar.died'])
    expect(notesOf(sidecar({}, spawned, ready, ...often, exited(1, null, 1_100)))).toEqual(['sidecar.died', 'sidecar.backoff'])
  })

  test('a chart that breaks is told, and the command is started again after a second', () => {
    expect(notesOf(sidecar({}, spawned, ready, broke))).toEqual(['chart.failed'])
    expect(pauseOf(spawned, ready, broke)).toBe(1_000)
  })
})

describe('the end', () => {
  const graceOf = (...events: Sample[]) => (sidecar({}, ...events).told('xstate.raise') as { delay: number }[]).at(-1)?.delay

  test('it has its grace, and a second when it is to be quick', () => {
    expect(graceOf(spawned, ready, stop())).toBe(10_000)
    expect(graceOf(spawned, ready, stop(true))).toBe(1_000)
    expect(graceOf(spawned, ready, stop(), stop(true))).toBe(1_000)
    expect(sidecar({}, spawned, ready, stop(true), stop()).sent()).toEqual([])
  })

  test('one that does not heed it is killed, and looked at first', () => {
    expect(sidecar({}, spawned, ready, stop(), graceOver).sent()).toEqual([{ type: 'strike', isLate: true }])
    expect(sidecar({}, spawned, ready, stop(), graceOver, exited(null, 'SIGKILL')).snapshot.status).toBe('done')
  })

  test('a force kills whatever it is at', () => {
    for (const events of [[], [spawned], [spawned, ready], [spawned, ready, stop()]]) {
      expect(sidecar({}, ...events, force).sent()).toEqual([{ type: 'strike', isLate: false }])
      expect(sidecar({}, ...events, force, exited(null, 'SIGKILL')).told('tellStopped')).toHaveLength(1)
    }
  })

  test('one without a process is gone at once', () => {
    for (const event of [stop(), force]) {
      const step = sidecar({}, spawned, ready, exited(1), event)
      expect([step.told('tellStopped').length, step.snapshot.status]).toEqual([1, 'done'])
    }
  })
})
