/** What `createPool` promises whichever way its jobs are kept apart: the same tests, for processes and for threads. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Isolation, Pool, PoolOptions } from '../../src/index.ts'
import { collect, door, failure } from './dirty.ts'
import { distPath, testFolder } from './harness.ts'
import { poll } from './poll.ts'

type Door = typeof import('../../src/index.ts')
const { createPool } = (await import(/* @vite-ignore */ pathToFileURL(join(distPath, 'src/index.js')).href)) as Door

const jobs = (dirtyPath: string) => `
import { threadId } from 'node:worker_threads'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { DirtyApp, dirty, stash } from ${JSON.stringify(dirtyPath)}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
let loads = 0
export class Jobs extends DirtyApp {
  static stashes = ['from-the-class']
  calls = 0
  async init() { loads++; this.ready = 'yes' }
  async close() { appendFileSync(new URL('./closed', import.meta.url), threadId + '\\n') }
  where() { return process.pid + '.' + threadId }
  state() { return { ready: this.ready, loads, calls: ++this.calls } }
  echo(value) { return value }
  fail() { throw Object.assign(new RangeError('too far', { cause: new Error('below') }), { own: 7 }) }
  exit(code) { process.exit(code) }
  reject() { void Promise.reject(new Error('nobody hears')); return new Promise(() => undefined) }
  spin() { for (;;); }
  async hold(name) {
    writeFileSync(name + '.began', '')
    while (!existsSync(name + '.go')) { await pause(5); this.signal.throwIfAborted() }
    return name
  }
  async heed(name) {
    writeFileSync(name + '.began', '')
    await new Promise((_, reject) => this.signal.addEventListener('abort', () => { writeFileSync(name + '.aborted', ''); reject(this.signal.reason) }))
  }
  note(name, file) { appendFileSync(file, name + ' '); return name }
  async *count(to, file) {
    try { for (let at = 1; at <= to; at++) { if (file) writeFileSync(file, String(at)); yield at } }
    finally { if (file) writeFileSync(file + '.left', '') }
  }
  async train(rounds, onProgress) { for (let at = 1; at <= rounds; at++) await onProgress(at); return 'trained' }
  async nested(action, ...args) { return dirty('other')[action](...args) }
  async ring() { return dirty('jobs').ring() }
  async incr(by) { return stash.incr('numbers', 'total', by) }
  tables() { return stash.tables() }
}
export class Other extends Jobs {}
`

// biome-ignore lint/suspicious/noExplicitAny: an app that a test has written as text has no type
export type Actions = any

export interface PoolStage {
  readonly folder: string
  readonly spec: string
  make(options?: Partial<PoolOptions>): Promise<Pool>
}

/** A folder with the apps, and pools of them. */
export function poolStage(isolation: Isolation): PoolStage {
  const folder = testFolder({ 'jobs.mjs': jobs(join(distPath, 'src/dirty.js')) })
  const spec = `${join(folder, 'jobs.mjs')}:Jobs`
  return {
    folder,
    spec,
    make: (options = {}) => createPool({ apps: { jobs: spec }, workers: 1, cancelGrace: 2, isolation, ...options }),
  }
}

export function poolContract(isolation: Isolation): void {
  const { folder, spec, make } = poolStage(isolation)
  const at = (name: string) => join(folder, name)
  const seen = (name: string) => poll(() => existsSync(at(name)))
  const go = (name: string) => writeFileSync(`${at(name)}.go`, '')

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe(`a pool with isolation ${isolation}`, () => {
    let pool: Pool
    let app: Actions
    beforeAll(async () => {
      pool = await make({
        apps: [`jobs=${spec}`, `other=${at('jobs.mjs')}:Other`, `narrow=${at('jobs.mjs')}:Jobs:1`],
        workers: 2,
        queueMax: 3,
      })
      app = pool.dirty('jobs')
    }, 60_000)
    afterAll(() => pool.close())

    test('gives values there and back as structured clone does, and buffers beside them', async () => {
      const value = { map: new Map([[1, new Set(['a'])]]), date: new Date(0), big: 1n, bytes: new Uint8Array(10_000).fill(7) }
      expect(await app.echo(value)).toEqual(value)
      expect((await failure(app.echo(() => 1))).code).toBe('MON_DIRTY_NOT_SERIALIZABLE')
    })

    test('has run init before the first call of an instance, and keeps the instance', async () => {
      const keyed: Actions = (app as { with(options: object): unknown }).with({ key: 'k' })
      const first = await keyed.state()
      expect(first.ready).toBe('yes')
      expect((await keyed.state()).calls).toBe(first.calls + 1)
      expect(await keyed.where()).toBe(await keyed.where())
    })

    test('streams with credits: who leaves the loop stops the generator, and who is slow holds it', async () => {
      expect(await collect(app.count(100))).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
      const file = at('counted')
      for await (const one of app.count(100_000, file)) {
        if (one === 1) await new Promise((resolve) => setTimeout(resolve, 100))
        if (one === 2) break
      }
      await seen('counted.left')
      expect(Number(readFileSync(file, 'utf8'))).toBeLessThan(200)
      expect((await failure(app.count(1))).code).toBe('MON_DIRTY_IS_STREAM')
    })

    test('calls back', async () => {
      const told: number[] = []
      expect(
        await app.train(
          3,
          door.proxy((round: number) => void told.push(round)),
        ),
      ).toBe('trained')
      expect(told).toEqual([1, 2, 3])
    })

    test('gives an error of the app as it was thrown, and codes of its own', async () => {
      const error = await failure(app.fail())
      expect(error).toBeInstanceOf(door.DirtyAppError)
      expect([error.cause.name, error.cause.message, error.cause.own, error.cause.cause.message]).toEqual([
        'RangeError',
        'too far',
        7,
        'below',
      ])
      expect(error.cause.stack).toContain('jobs.mjs')
      expect(await failure(app.none())).toBeInstanceOf(door.DirtyAppNotFoundError)
      expect((await failure((pool.dirty('nobody') as Actions).where())).code).toBe('MON_DIRTY_NO_APP')
    })

    test('cancels: the signal of the app fires, and the thread stays', async () => {
      const keyed: Actions = (key: string, more: object = {}) => (app as { with(options: object): Actions }).with({ key, ...more })
      const before = await keyed('c').where()
      const controller = new AbortController()
      const call = failure(keyed('c', { signal: controller.signal }).heed(at('heed')))
      await seen('heed.began')
      controller.abort(new Error('not wanted'))
      const error = await call
      expect([error.code, error.cause.message]).toEqual(['MON_DIRTY_CANCELLED', 'not wanted'])
      await seen('heed.aborted')
      expect(await keyed('c').where()).toBe(before)
    })

    test('ends a thread that is blocked, alone: another call, begun before, is answered by its own', async () => {
      const other = app.hold(at('beside'))
      await seen('beside.began')
      const error = await failure(app.with({ timeoutMs: 300 }).spin())
      expect(error).toBeInstanceOf(door.DirtyTimeoutError)
      go('beside')
      expect(await other).toBe(at('beside'))
      expect(await app.where()).toMatch(/^\d+\.\d+$/)
    })

    test('loses only the call whose code ends its thread, with the reason, and does not dry up', async () => {
      for (let round = 0; round < 3; round++) {
        const error = await failure(app.exit(round))
        expect(error).toBeInstanceOf(door.DirtyWorkerError)
        expect(error.facts.how).toContain(`process.exit(${round})`)
      }
      const error = await failure(app.reject())
      expect([error.code, error.facts.how]).toEqual(['MON_DIRTY_WORKER_LOST', expect.stringContaining('nobody hears')])
      const [one, two] = [app.hold(at('dry1')), app.hold(at('dry2'))]
      // Both places are there again.
      await Promise.all([seen('dry1.began'), seen('dry2.began')])
      go('dry1')
      go('dry2')
      expect(await Promise.all([one, two])).toEqual([at('dry1'), at('dry2')])
    })

    test('bounds its queue, and serves it by priority', async () => {
      const narrow = pool.dirty('narrow') as Actions
      const held = narrow.hold(at('narrow'))
      await seen('narrow.began')
      const file = at('order')
      const waiting = [
        narrow.note('usual', file),
        narrow.with({ priority: 1 }).note('urgent', file),
        narrow.with({ priority: -1 }).note('idle', file),
      ].map((call) => Promise.resolve(call))
      await poll(async () => (await pool.counts()).find((one) => one.app === 'narrow')?.queued === 3)
      expect(await failure(narrow.note('refused', file))).toBeInstanceOf(door.DirtyQueueFullError)
      go('narrow')
      await Promise.all([held, ...waiting])
      expect(readFileSync(file, 'utf8')).toBe('urgent usual idle ')
    })

    test('calls inside of calls go to other apps, and a ring of them is refused', async () => {
      expect(await app.nested('echo', 'inner')).toBe('inner')
      const deepest = (error: { cause?: unknown; code: string }): string =>
        error.cause === undefined ? error.code : deepest(error.cause as { code: string })
      expect(deepest(await failure(app.ring()))).toBe('MON_DIRTY_DEADLOCK')
    })

    test('has a stash that all of its threads share', async () => {
      expect(await Promise.all([1, 2, 3, 4].map(() => app.incr(1)))).toHaveLength(4)
      expect(await (pool.dirty('other') as Actions).incr(0)).toBe(4)
      expect(await app.tables()).toContain('from-the-class')
    })
  })

  test(`one call for each: with isolation ${isolation} and maxCalls 1, nobody runs a second`, async () => {
    const pool = await make({ workers: 2, maxCalls: 1 })
    try {
      const app = pool.dirty('jobs') as Actions
      const all = await Promise.all(Array.from({ length: 10 }, () => app.where()))
      expect(new Set(all).size).toBe(10)
    } finally {
      await pool.close()
    }
  })

  test(`a pool of isolation ${isolation} finishes at its close what has begun, refuses the rest, and closes its apps`, async () => {
    rmSync(at('closed'), { force: true })
    const pool = await make()
    const app = pool.dirty('jobs') as Actions
    const [begun, queued] = [app.hold(at('last')), failure(app.where())]
    await seen('last.began')
    await poll(async () => (await pool.counts())[0]?.queued === 1)
    const closed = pool.close()
    expect((await queued).code).toBe('MON_DIRTY_CLOSING')
    go('last')
    expect(await begun).toBe(at('last'))
    await closed
    expect((await failure(app.where())).code).toMatch(/^MON_DIRTY_C(ONNECTION|LOSING)$/)
    await seen('closed')
  })

  test(`a pool of isolation ${isolation} that cannot load an app says why`, async () => {
    const codeOf = async (options: Partial<PoolOptions>) => (await failure(make(options))).code
    expect(await codeOf({ apps: { jobs: at('none.mjs:Jobs') } })).toBe('MON_APP_NOT_FOUND')
    expect(await codeOf({ apps: { jobs: at('jobs.mjs:Nobody') } })).toBe('MON_DIRTY_LOAD')
    expect(await codeOf({ wrokers: 1 } as object)).toBe('MON_CONFIG_UNKNOWN')
    expect(await codeOf({ workers: 0 })).toBe('MON_CONFIG_INVALID')
  })
}
