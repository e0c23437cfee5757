import { describe, expect, test } from 'vitest'
import { laneMachine } from '../../machines/lane.ts'
import { after, cannotReach, expectSound, isDone, type Node, type Sample, walk } from './walk.ts'

const input = { lane: 3, bootTimeoutMs: 30_000, graceMs: 5_000 }

const loaded: Sample = { type: 'thread.loaded', loadMs: 40 }
const failed: Sample = { type: 'thread.failed', problem: 'no such module' }
const drained: Sample = { type: 'thread.drained' }
const autopsied: Sample = { type: 'thread.autopsied' }
const exited = (how = 'process.exit(1) was called in it'): Sample => ({ type: 'thread.exited', how, atMs: 1_000, dice: 0.25 })
const overdue: Sample = { type: 'overdue', blockedMs: 30_100 }
const retire: Sample = { type: 'retire', reason: 'idle' }
const kill: Sample = { type: 'kill', reason: 'closing' }
const broke: Sample = { type: 'xstate.error.actor.thread', error: new Error('EAGAIN') }
const over = (timer: string): Sample => ({ type: `xstate.after.${timer}` })
const bootTimeout = over('bootTimeout.lane.booting')
const grace = over('grace.lane.draining')
const autopsyPatience = over('autopsyPatience.lane.killing.autopsy')
const terminatePatience = over('terminatePatience.lane.killing.terminating')

const lane = (...events: Sample[]) => after(laneMachine, input, ...events)
const orders = (...events: Sample[]) =>
  lane(...events)
    .sent()
    .map(({ type }) => type)
const endOf = (...events: Sample[]) => lane(...events).snapshot.output as Record<string, unknown>
const noted = (...events: Sample[]) => lane(...events).told('note')

describe('every state of a lane', () => {
  const graph = walk(laneMachine, {
    input,
    events: [
      loaded, failed, drained, autopsied, exited(), overdue, retire, kill, broke, bootTimeout, grace, autopsyPatience, terminatePatience,
    ], // biome-ignore format: a list of names
    essentials: ({ wasReady, wasAsked, killReason, problem }) => [wasReady, wasAsked, killReason, problem],
  })

  test('is reached, and every one can end', () => {
    expectSound(laneMachine, [graph])
  })

  test('ends as soon as the thread does', () => {
    for (const { next } of [...graph.nodes.values()].filter((node) => !isDone(node))) {
      const end = next.find(({ event }) => event.type === 'thread.exited')
      expect(graph.nodes.get(end?.key ?? '')?.snapshot.value).toBe('gone')
    }
  })

  test('but ready is left by timers alone: nothing waits for ever for a thread that says nothing', () => {
    const isEnded = (node: Node) => isDone(node) || node.snapshot.matches({ killing: 'condemned' })
    const waiting = cannotReach(graph, isEnded, ({ type }) => type.startsWith('xstate.after.'))
    expect(waiting.filter((key) => !key.startsWith('["active","ready"'))).toEqual([])
  })

  test('a condemned thread is told of once, whatever still comes for it', () => {
    const condemned = [...graph.nodes.values()].filter(({ snapshot }) => snapshot.matches({ killing: 'condemned' }))
    expect(condemned.length).toBeGreaterThan(0)
    for (const { key, next } of condemned) {
      const elsewhere = next.filter((one) => one.key !== key)
      expect(new Set(elsewhere.map(({ event }) => event.type))).toEqual(new Set(['thread.exited', 'xstate.error.actor.thread']))
    }
  })
})

describe('booting', () => {
  test('a thread that has loaded the app is told to serve, and its pool hears of it', () => {
    const step = lane(loaded)
    expect(step.sent()).toEqual([{ type: 'lane.ready', lane: 3 }, { type: 'serve' }])
    expect(step.told('note')).toMatchObject([{ event: 'thread.ready', facts: { loadMs: 40 } }])
    expect(step.snapshot.hasTag('takes-traffic')).toBe(true)
  })

  test('a thread that says why it fails is ended, and its word is the reason', () => {
    expect(orders(failed)).toEqual(['lane.leaving', 'terminate'])
    expect(endOf(failed, exited('terminated'))).toMatchObject({ ending: 'boot-failed', wasReady: false, problem: 'no such module' })
  })

  test('a thread that ends without a word is a failed boot', () => {
    expect(endOf(exited())).toMatchObject({ ending: 'boot-failed', problem: 'process.exit(1) was called in it', atMs: 1_000, dice: 0.25 })
    expect(noted(exited())).toMatchObject([{ event: 'thread.boot-failed', facts: { how: 'process.exit(1) was called in it' } }])
  })

  test('a thread that could not be started is a failed boot', () => {
    expect(endOf(broke)).toMatchObject({ ending: 'boot-failed', problem: 'EAGAIN' })
  })

  test('a thread that is not ready within boot_timeout is looked at before it is ended', () => {
    expect(orders(bootTimeout)).toEqual(['lane.leaving', 'autopsy'])
    expect(orders(bootTimeout, autopsied)).toEqual(['terminate'])
    expect(endOf(bootTimeout, autopsied, exited('terminated'))).toMatchObject({
      ending: 'boot-failed',
      problem: 'not ready within boot_timeout',
    })
  })

  test('a thread that is unwanted before it is ready is ended without a drain, and that is no failure', () => {
    expect(orders(retire)).toEqual(['lane.leaving', 'terminate'])
    expect(endOf(retire, exited('terminated'))).toMatchObject({ ending: 'as-asked', wasReady: false })
  })

  test('an app that is loaded a moment too late changes nothing', () => {
    for (const event of [retire, failed, kill, bootTimeout]) {
      const before = lane(event)
      expect(lane(event, loaded).snapshot.value).toEqual(before.snapshot.value)
      expect(before.snapshot.hasTag('leaves')).toBe(true)
    }
  })
})

describe('ready', () => {
  test('a death that nobody asked for is one, however it came', () => {
    expect(endOf(loaded, exited('its task ended'))).toMatchObject({ ending: 'died', wasReady: true, problem: 'its task ended' })
    expect(noted(loaded, exited())).toMatchObject([{ event: 'thread.died', facts: { how: 'process.exit(1) was called in it' } }])
  })

  test('a thread that is blocked beyond timeout is looked at and answered for before it is ended', () => {
    expect(orders(loaded, overdue)).toEqual(['lane.leaving', 'autopsy'])
    expect(noted(loaded, overdue)).toMatchObject([{ event: 'thread.timeout', facts: { blockedMs: 30_100 } }])
    expect(orders(loaded, overdue, autopsied)).toEqual(['terminate'])
    expect(orders(loaded, overdue, autopsyPatience)).toEqual(['terminate'])
    expect(endOf(loaded, overdue, autopsied, exited('terminated'))).toMatchObject({ ending: 'killed' })
  })

  test('a thread is looked at once, however often it is found overdue', () => {
    expect(orders(loaded, overdue, overdue)).toEqual([])
    expect(orders(loaded, overdue, autopsied, overdue)).toEqual([])
  })
})

describe('draining', () => {
  test('a thread that is retired finishes what it has and is then ended', () => {
    expect(orders(loaded, retire)).toEqual(['lane.leaving', 'drain'])
    expect(noted(loaded, retire)).toMatchObject([{ event: 'thread.retiring', facts: { reason: 'idle' } }])
    expect(orders(loaded, retire, drained)).toEqual(['lane.leaving', 'terminate'])
    expect(endOf(loaded, retire, drained, exited('terminated'))).toMatchObject({ ending: 'as-asked' })
  })

  test('a thread that ends itself while it drains has gone as asked', () => {
    expect(endOf(loaded, retire, exited())).toMatchObject({ ending: 'as-asked' })
    expect(noted(loaded, retire, exited())).toMatchObject([{ event: 'thread.gone' }])
  })

  test('a thread that is blocked while it drains is not waited for', () => {
    expect(orders(loaded, retire, overdue)).toEqual(['lane.leaving', 'autopsy'])
    expect(endOf(loaded, retire, overdue, autopsied, exited('terminated'))).toMatchObject({ ending: 'killed' })
  })

  test('a thread that is not done after its grace is looked at, then ended', () => {
    expect(orders(loaded, retire, grace)).toEqual(['lane.leaving', 'autopsy'])
    expect(endOf(loaded, retire, grace, autopsied, exited('terminated'))).toMatchObject({
      ending: 'killed',
      problem: 'it did not finish within graceful_timeout',
    })
  })

  test('what Node’s timers cannot hold is cut to what they can', () => {
    const graceOf = (graceMs: number) => {
      const [timer] = after(laneMachine, { ...input, graceMs }, loaded, retire).told('xstate.raise') as { delay: number }[]
      return timer?.delay
    }
    expect(graceOf(5_000)).toBe(7_000)
    expect(graceOf(2 ** 31 - 1)).toBe(2 ** 31 - 1)
  })
})

describe('killing', () => {
  test('a pool can tell a thread that goes for sure from one that may turn out to be stuck', () => {
    const leaving = (...events: Sample[]) => lane(...events).sent()[0]
    expect(leaving(loaded, retire)).toEqual({ type: 'lane.leaving', lane: 3, phase: 'draining' })
    expect(leaving(loaded, retire, grace)).toEqual({ type: 'lane.leaving', lane: 3, phase: 'killing' })
    expect(leaving(loaded, overdue)).toEqual({ type: 'lane.leaving', lane: 3, phase: 'killing' })
  })

  test('a thread that V8 cannot end is condemned, and its pool hears why', () => {
    for (const [events, reason] of [
      [[bootTimeout, autopsied], 'not ready within boot_timeout'],
      [[loaded, overdue, autopsied], 'what it executed took longer than its timeout'],
      [[loaded, retire, grace, autopsied], 'it did not finish within graceful_timeout'],
      [[loaded, kill], 'closing'],
    ] as const) {
      const step = lane(...events, terminatePatience)
      expect(step.sent()).toEqual([{ type: 'lane.condemned', lane: 3, problem: reason }])
      expect(step.told('note')).toMatchObject([{ event: 'thread.condemned' }])
      expect(endOf(...events, terminatePatience, exited('terminated'))).toMatchObject({ lane: 3 })
    }
  })

  test('a kill is obeyed at once, and does not begin again what has begun', () => {
    for (const events of [[], [loaded], [loaded, retire], [loaded, overdue], [loaded, retire, grace]]) {
      expect(orders(...events, kill)).toEqual(['lane.leaving', 'terminate'])
      expect(lane(...events, kill).snapshot.value).toEqual({ killing: 'terminating' })
    }
    expect(orders(retire, kill)).toEqual([])
    expect(orders(loaded, kill, terminatePatience, kill)).toEqual([])
  })
})
