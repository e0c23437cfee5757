import { describe, expect, test } from 'vitest'
import type { ChildExit } from '../../machines/vocabulary.ts'
import { workerHandleMachine } from '../../machines/worker-handle.ts'
import { after, cannotReach, expectSound, isDone, type Node, type Sample, walk } from './walk.ts'

const input = { slot: 1, age: 7, generation: 2, bootTimeoutMs: 30_000, graceMs: 5_000 }
const own = { slot: 1, age: 7 }

const spawned: Sample = { type: 'child.spawned', pid: 4711 }
const servable: Sample = { type: 'child.loaded', isServable: true }
const unservable: Sample = { type: 'child.loaded', isServable: false }
const ready: Sample = { type: 'child.ready', readyMs: 90 }
const failed: Sample = { type: 'child.failed', exitCode: 4, problem: 'no such module' }
const stuck: Sample = { type: 'child.stuck', problem: 'a thread is stuck in native code' }
const recycle: Sample = { type: 'child.recycle', reason: '1000 requests served', served: 1_000 }
const silent: Sample = { type: 'child.silent', blockedMs: 30_100 }
const hung: Sample = { type: 'child.hung', silentMs: 30_050 }
const frozen: Sample = { type: 'child.frozen', silentMs: 32_500 }
const autopsied: Sample = { type: 'child.autopsied' }
const leaves: Sample = { type: 'child.draining', problem: null, atMs: 12, dice: 0.5 }
const ends: Sample = { type: 'child.draining', problem: 'its job failed: no broker', atMs: 12, dice: 0.5 }
const drained: Sample = { type: 'child.drained', tookMs: 20, cutRequests: 0 }
const exited = (exit: Partial<ChildExit> = {}): Sample => ({
  type: 'child.exited',
  exit: { code: 0, signal: null, atMs: 1_000, dice: 0.25, ...exit },
})
const killed = exited({ code: null, signal: 'SIGKILL' })
const stop = (isQuick = false, graceMs = 5_000): Sample => ({ type: 'stop', reason: 'reload', graceMs, isQuick })
const kill: Sample = { type: 'kill' }
const promote: Sample = { type: 'promote', slot: 0 }
const broke: Sample = { type: 'xstate.error.actor.child', error: new Error('EAGAIN') }
const over = (timer: string): Sample => ({ type: `xstate.after.${timer}` })
const bootTimeout = over('bootTimeout.worker-handle.booting')
const exitPatience = over('exitPatience.worker-handle.booting.failed')
const grace = over('grace.worker-handle.draining')
const autopsyPatience = over('autopsyPatience.worker-handle.killing.autopsy')

const handle = (...events: Sample[]) => after(workerHandleMachine, input, spawned, ...events)
const endOf = (...events: Sample[]) => handle(...events).snapshot.output as Record<string, unknown>

describe('every state of a worker handle', () => {
  const graph = walk(workerHandleMachine, {
    input,
    events: [
      spawned, servable, unservable, ready, failed, stuck, recycle, silent, hung, frozen, autopsied, leaves, ends, drained, exited(), exited({ code: 3 }), killed,
      stop(), stop(true), kill, promote, broke, bootTimeout, exitPatience, grace, autopsyPatience,
    ], // biome-ignore format: a list of names
    essentials: ({ pid, wasReady, isSpent, stopReason, isQuick, killReason, failure }) => [
      pid, wasReady, isSpent, stopReason, isQuick, killReason, failure !== null,
    ], // biome-ignore format: a list of names
  })

  test('is reached, and every one can end', () => {
    expectSound(workerHandleMachine, [graph])
  })

  test('ends as soon as the process does', () => {
    const left = [...graph.nodes.values()].filter((node) => !isDone(node))
    for (const { next } of left) {
      const end = next.find(({ event }) => event.type === 'child.exited')
      expect(graph.nodes.get(end?.key ?? '')?.snapshot.value).toBe('gone')
    }
  })

  test('but ready is left by timers alone: nothing waits for ever for a child that says nothing', () => {
    const isEnded = (node: Node) => isDone(node) || node.snapshot.matches({ killing: 'striking' })
    const waiting = cannotReach(graph, isEnded, ({ type }) => type.startsWith('xstate.after.'))
    expect(waiting.filter((key) => !key.startsWith('["active","ready"'))).toEqual([])
  })
})

describe('booting', () => {
  test('a worker that gets ready is told to the arbiter, with its name', () => {
    const step = handle(ready)
    expect(step.sent()).toEqual([{ type: 'handle.ready', ...own }])
    expect(step.told('note')).toMatchObject([{ event: 'worker.ready', facts: { readyMs: 90 } }])
    expect(step.snapshot.hasTag('takes-traffic')).toBe(true)
  })

  test('a worker that is unwanted before it is ready is killed without a drain', () => {
    const step = handle(stop())
    expect(step.snapshot.value).toEqual({ killing: 'striking' })
    expect(step.sent()).toEqual([{ type: 'strike' }])
    expect(endOf(stop(), killed)).toMatchObject({ ending: 'as-asked', wasReady: false })
  })

  test('a worker that is not ready in time is looked at before it is killed', () => {
    const step = handle(bootTimeout)
    expect(step.sent()).toEqual([{ type: 'autopsy' }])
    expect(step.told('note')).toMatchObject([{ event: 'worker.boot-timeout', facts: { bootTimeoutS: 30 } }])
    expect(handle(bootTimeout, autopsied).sent()).toEqual([{ type: 'strike' }])
    expect(handle(bootTimeout, autopsyPatience).sent()).toEqual([{ type: 'strike' }])
    for (const events of [[], [servable]]) {
      expect(endOf(...events, bootTimeout, autopsied, killed)).toMatchObject({ ending: 'boot-failed', exitCode: 3 })
    }
  })

  test('a program that is loaded and never listens is the app’s failure, not the process’s', () => {
    expect(handle(unservable).snapshot.value).toEqual({ booting: 'listening' })
    expect(handle(unservable, ready).snapshot.value).toBe('ready')
    const step = handle(unservable, bootTimeout)
    expect(step.told('note')).toMatchObject([{ event: 'worker.boot-timeout', facts: { bootTimeoutS: 30 } }])
    expect(endOf(unservable, bootTimeout, autopsied, killed)).toMatchObject({ ending: 'boot-failed', exitCode: 4 })
    expect(endOf(unservable, failed, exited({ code: 1 }))).toMatchObject({ ending: 'boot-failed', exitCode: 4 })
  })

  test('a worker that says why it fails is given time to leave, and its word is the reason', () => {
    expect(handle(failed).snapshot.value).toEqual({ booting: 'failed' })
    expect(handle(failed, exitPatience).sent()).toEqual([{ type: 'strike' }])
    for (const events of [
      [failed, exited({ code: 4 })],
      [failed, exitPatience, killed],
    ]) {
      expect(endOf(...events)).toMatchObject({ ending: 'boot-failed', exitCode: 4, problem: 'no such module' })
    }
  })

  test('why a worker fails to boot is the reason, also when it then cannot end in order', () => {
    expect(endOf(failed, stuck, killed)).toMatchObject({ ending: 'boot-failed', exitCode: 4, problem: 'no such module' })
    expect(endOf(stuck, killed)).toMatchObject({ ending: 'boot-failed', exitCode: 3, problem: 'a thread is stuck in native code' })
  })

  test('a worker that ends without a word is a failed boot, whatever its exit code', () => {
    expect(endOf(exited())).toMatchObject({ ending: 'boot-failed', exitCode: 3, problem: 'exited with code 0 before it was ready' })
    expect(endOf(killed)).toMatchObject({ ending: 'boot-failed', problem: 'killed by SIGKILL (somebody else’s: out of memory?)' })
  })

  test('a worker that could not be spawned is a failed boot', () => {
    expect(endOf(broke)).toMatchObject({ ending: 'boot-failed', exitCode: 3, problem: 'EAGAIN' })
  })

  test('a worker that is worn out before it said that it is ready is recycled once it is', () => {
    expect(handle(recycle).sent()).toEqual([])
    expect(handle(recycle, ready).sent()).toEqual([
      { type: 'handle.ready', ...own },
      { type: 'handle.recycle', ...own },
    ])
  })
})

describe('ready', () => {
  test('a worker that asks to be recycled serves on', () => {
    const step = handle(ready, recycle)
    expect(step.sent()).toEqual([{ type: 'handle.recycle', ...own }])
    expect(step.snapshot.value).toBe('ready')
  })

  test('a worker whose loop is blocked is killed without grace: its stack has been told', () => {
    const step = handle(ready, silent)
    expect(step.sent()).toEqual([{ type: 'strike' }])
    expect(step.told('note')).toMatchObject([{ event: 'worker.timeout', facts: { blockedMs: 30_100 } }])
    expect(endOf(ready, silent, killed)).toMatchObject({ ending: 'killed', problem: 'its loop was blocked beyond timeout' })
  })

  test('a frozen process is killed and told apart from a blocked loop', () => {
    expect(handle(ready, frozen).told('note')).toMatchObject([{ event: 'worker.frozen', facts: { silentMs: 32_500 } }])
    expect(endOf(ready, frozen, killed)).toMatchObject({ ending: 'killed', problem: 'the process was frozen beyond timeout' })
  })

  test('a death that nobody asked for is a crash, also with exit code 0', () => {
    expect(endOf(ready, exited())).toMatchObject({
      ending: 'crashed',
      wasReady: true,
      problem: 'exited with code 0',
      atMs: 1_000,
      dice: 0.25,
    })
    expect(handle(ready, exited({ code: 1 })).told('note')).toMatchObject([{ event: 'worker.died', facts: { how: 'exited with code 1' } }])
  })

  test('a worker that was told to leave by somebody else says so at once, with the time for the restart window', () => {
    const step = handle(ready, leaves)
    expect(step.sent()).toContainEqual({ type: 'handle.leaving', ...own, problem: null, atMs: 12, dice: 0.5 })
    expect(step.told('note')).toMatchObject([{ event: 'worker.draining', facts: { reason: 'signal' } }])
    expect(endOf(ready, leaves, drained, exited())).toMatchObject({ ending: 'as-asked' })
  })
})

describe('the job of a worker', () => {
  test('that has ended takes its worker with it, which is a crash with the time for the restart window', () => {
    const step = handle(ready, ends)
    expect(step.sent()).toContainEqual({ type: 'handle.leaving', ...own, problem: 'its job failed: no broker', atMs: 12, dice: 0.5 })
    expect(step.told('note')).toMatchObject([{ event: 'worker.draining', facts: { reason: 'ended' } }])
    for (const code of [0, 1]) {
      expect(endOf(ready, ends, drained, exited({ code }))).toMatchObject({ ending: 'crashed', problem: 'its job failed: no broker' })
      expect(handle(ready, ends, drained, exited({ code })).told('note')).toMatchObject([
        { event: 'worker.died', facts: { how: 'its job failed: no broker', exitCode: code } },
      ])
    }
  })

  test('that has ended does not keep its worker from being told to go, and from being killed for its grace', () => {
    expect(handle(ready, ends, stop(true)).sent()).toContainEqual({ type: 'drain', graceMs: 5_000, isQuick: true, reason: 'reload' })
    expect(endOf(ready, ends, grace, autopsied, killed)).toMatchObject({ ending: 'killed' })
  })

  test('that gives no beat is killed at once: its autopsy has been taken', () => {
    expect(handle(ready, hung).sent()).toEqual([{ type: 'strike' }])
    expect(handle(ready, hung).told('note')).toMatchObject([{ event: 'worker.hung', facts: { silentMs: 30_050 } }])
    expect(endOf(ready, hung, killed)).toMatchObject({ ending: 'killed', problem: 'its job gave no beat within timeout' })
  })

  test('is to end in a drain, and gives no beats there', () => {
    expect(handle(ready, stop(), hung).sent()).toEqual([])
  })
})

describe('draining', () => {
  test('a worker that is asked to go is ordered to drain, with the patience of the one who asks', () => {
    expect(handle(ready, stop(false, 900)).sent()).toEqual([{ type: 'drain', graceMs: 900, isQuick: false, reason: 'reload' }])
    expect(handle(ready, stop(), drained).told('note')).toMatchObject([{ event: 'worker.drained', facts: { tookMs: 20, cutRequests: 0 } }])
    expect(handle(ready, stop(), drained, exited()).told('note')).toMatchObject([
      { event: 'worker.gone', facts: { how: 'exited with code 0' } },
    ])
  })

  test('a worker that cannot end in order and kills itself has gone as asked, and its word is the reason', () => {
    expect(endOf(ready, stop(), drained, stuck, killed)).toMatchObject({ ending: 'as-asked', problem: 'a thread is stuck in native code' })
    expect(handle(ready, stop(), drained, stuck, killed).told('note')).toMatchObject([
      { event: 'worker.gone', facts: { how: 'a thread is stuck in native code' } },
    ])
  })

  test('a quick stop overtakes a graceful one, once, and never the other way round', () => {
    expect(handle(ready, stop(), stop(true)).sent()).toEqual([{ type: 'drain', graceMs: 5_000, isQuick: true, reason: 'reload' }])
    expect(handle(ready, stop(true), stop()).sent()).toEqual([])
    expect(handle(ready, stop(true), stop(true)).sent()).toEqual([])
  })

  test('a worker that is not gone after its grace is looked at, then killed', () => {
    expect(handle(ready, stop(), grace).sent()).toEqual([{ type: 'autopsy' }])
    expect(handle(ready, stop(), grace).told('note')).toMatchObject([{ event: 'worker.grace-over', facts: { graceMs: 5_000 } }])
    expect(endOf(ready, stop(), grace, autopsied, killed)).toMatchObject({ ending: 'killed' })
  })

  test('a worker that blocks or freezes while it drains is not waited for', () => {
    for (const event of [silent, frozen]) expect(handle(ready, stop(), event).sent()).toEqual([{ type: 'strike' }])
  })

  test('the grace is that of the order, and what Node’s timers cannot hold is cut to what they can', () => {
    const graceOf = (event: Sample) => {
      const [timer] = handle(ready, event).told('xstate.raise') as { id: string; delay: number }[]
      return timer?.delay
    }
    expect(graceOf(stop(false, 900))).toBe(2_900)
    expect(graceOf(stop(true, 60_000))).toBe(3_000)
    expect(graceOf(stop(false, 2 ** 31 - 1))).toBe(2 ** 31 - 1)
  })
})

test('a kill is obeyed in every state', () => {
  for (const events of [[], [failed], [ready], [ready, stop()], [ready, stop(), grace], [bootTimeout]]) {
    expect(handle(...events, kill).sent()).toEqual([{ type: 'strike' }])
    expect(handle(...events, kill).snapshot.value).toEqual({ killing: 'striking' })
  }
})
