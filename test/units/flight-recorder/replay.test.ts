import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { choose, momentOf } from '../../../src/flight-recorder/choose.ts'
import { parseRecording, readRecording } from '../../../src/flight-recorder/read-recording.ts'
import { livingAfter, mergedTimeline, timelineByActor } from '../../../src/flight-recorder/timeline.ts'
import type { Transition } from '../../../src/ipc/transition.ts'
import { step } from './step.ts'

const textOf = (...steps: readonly Transition[]) => steps.map((one) => `${JSON.stringify(one)}\n`).join('')

describe('a recording is read', () => {
  const [one, other, last] = [step(), step({ pid: 200 }), step()]

  test('in the order of time, whatever the order of its lines', () => {
    expect(parseRecording([textOf(last, other), textOf(one)])).toEqual({ steps: [one, other, last], unreadable: 0 })
  })

  test('up to a line that a kill has cut', () => {
    const cut = textOf(one, other).slice(0, -20)
    expect(parseRecording([cut])).toEqual({ steps: [one], unreadable: 1 })
  })

  test('beyond a line that was cut, though the next stands right behind it', () => {
    const cut = textOf(other).slice(0, 60)
    expect(parseRecording([`${textOf(one)}${cut}${textOf(last)}`])).toEqual({ steps: [one, last], unreadable: 0 })
  })

  test('without what is no step', () => {
    const text = `hello\n{"at":1}\n[]\nnull\n\n{"at":"x","pid":1,"seq":1}\n${textOf(one)}`
    expect(parseRecording([text])).toEqual({ steps: [one], unreadable: 5 })
  })

  test('with each step once, though it may stand in both files', () => {
    expect(parseRecording([textOf(one, other), textOf(other, last)]).steps).toEqual([one, other, last])
  })

  test('with the part that a rotation put aside', () => {
    const folder = mkdtempSync(join(tmpdir(), 'recording-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'fr.log')
    writeFileSync(`${path}.1`, textOf(one))
    expect(() => readRecording(path)).toThrowError(expect.objectContaining({ code: 'MON_REPLAY_FILE' }))
    writeFileSync(path, textOf(last))
    expect(readRecording(path).steps).toEqual([one, last])
  })
})

describe('a moment', () => {
  const last = new Date(2026, 10, 25, 22, 0, 30).getTime()

  test.each([
    ['all', Number.NEGATIVE_INFINITY],
    ['90s', last - 90_000],
    ['1.5m', last - 90_000],
    ['2h', last - 7_200_000],
    ['1d', last - 86_400_000],
    ['21:05', new Date(2026, 10, 25, 21, 5).getTime()],
    ['21:05:30.5', new Date(2026, 10, 25, 21, 5, 30, 500).getTime()],
    ['2026-11-24T10:00:00Z', Date.UTC(2026, 10, 24, 10)],
  ])('%s', (text, at) => {
    expect(momentOf(text, last)).toBe(at)
  })

  test.each(['', '10', '10x', 'yesterday', '-5m'])('is not %j', (text) => {
    expect(momentOf(text, last)).toBeNull()
  })
})

test('steps are chosen by time, by whom they are about, and by how many', () => {
  const steps = [
    step({ at: 1, role: 'arbiter', pid: 1, chart: 'worker-handle', actor: 'worker-handle 3', facts: { childPid: 300 } }),
    step({ at: 2, pid: 300 }),
    step({ at: 3, pid: 301 }),
  ]
  const times = (choice: Partial<Parameters<typeof choose>[1]>) =>
    choose(steps, { sinceAt: 0, actor: null, last: null, ...choice }).map(({ at }) => at)
  expect(times({})).toEqual([1, 2, 3])
  expect(times({ sinceAt: 2 })).toEqual([2, 3])
  expect(times({ last: 2 })).toEqual([2, 3])
  expect(times({ last: 20 })).toEqual([1, 2, 3])
  expect(times({ actor: '300' })).toEqual([1, 2])
  expect(times({ actor: 'worker' })).toEqual([2, 3])
  expect(times({ actor: 'worker-handle' })).toEqual([1])
  expect(times({ actor: 'worker-handle 3' })).toEqual([1])
  expect(times({ actor: 'arbiter', last: 5 })).toEqual([1])
  expect(times({ actor: 'nobody' })).toEqual([])
})

describe('the timeline', () => {
  const arbiter = { role: 'arbiter', pid: 1, slot: null, age: null } as const
  const steps = [
    step({ ...arbiter, chart: 'arbiter', event: 'start', from: null, to: 'booting' }),
    step({ event: 'start', from: null, to: 'booting' }),
    step({ event: 'open done', from: 'booting', to: 'ready' }),
    step({ ...arbiter, chart: 'arbiter', event: 'reload', from: 'booting', to: 'ready', cause: 'SIGHUP' }),
  ]

  test('has a line for each step, in time, and then what is alive', () => {
    const lines = mergedTimeline(steps, livingAfter(steps, null), false).split('\n')
    const told = lines.filter((line) => /^\d\d:\d\d/.test(line))
    expect(told).toHaveLength(4)
    expect(told[2]).toMatch(/worker slot 0 \(100\) +worker +open done: booting → ready/)
    expect(told[3]).toMatch(/arbiter \(1\) .*reload: booting → ready {2}← SIGHUP/)
    expect(lines.filter((line) => line.startsWith('  '))).toHaveLength(2)
  })

  test('tells actor by actor', () => {
    const blocks = timelineByActor(steps, livingAfter(steps, null), false).split('\n\n')
    expect(blocks).toHaveLength(3)
    expect(blocks[1]).toMatch(/^worker in worker slot 0 \(100\)\n/)
    expect(blocks[1]).not.toContain('reload')
  })

  test('has colours only where they are wanted', () => {
    expect(mergedTimeline(steps, [], false)).not.toContain('\x1b[')
    expect(mergedTimeline(steps, [], true)).toContain('\x1b[')
  })

  test('lets no control character of an app through', () => {
    expect(mergedTimeline([step({ cause: 'a\x1b[2Jb\nc' })], [], false)).not.toMatch(/\x1b|b\nc/)
  })

  test('counts as alive only what the last server started', () => {
    const killed = [step({ ...arbiter, chart: 'arbiter', from: null }), step({ pid: 66, event: 'start', from: null })]
    expect(livingAfter([...killed, ...steps], null).map(({ pid }) => pid)).toEqual([1, 100])
  })
})
