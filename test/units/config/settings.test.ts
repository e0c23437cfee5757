import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineConfig, type UserConfig } from '../../../src/config/define-config.ts'
import type { HookName, Hooks, WorkerFacts } from '../../../src/config/hook-types.ts'
import { envOf, isHook, sameAsOf, spellingsOf } from '../../../src/config/row.ts'
import type { hookRows } from '../../../src/config/sections/hooks.ts'
import { type Settings, settings, valueRows } from '../../../src/config/settings.ts'

describe('the table', () => {
  it('names nothing twice', () => {
    const spellings = settings.flatMap((row) => spellingsOf(row))
    const flags = valueRows.flatMap((row) => row.cli ?? [])
    const variables = valueRows.map(envOf)
    for (const names of [spellings, flags, variables]) expect(new Set(names).size).toBe(names.length)
  })

  it('has defaults that its own checks accept', () => {
    for (const row of valueRows) expect(row.check?.(row.default as never, { cwd: '/' }) ?? null, row.name).toBeNull()
  })

  it('has defaults that follow only settings that stand before them', () => {
    const followers = valueRows.filter((row) => sameAsOf(row) !== null)
    expect(followers.map(({ name }) => name)).toEqual(['threadQueueMax'])
    for (const row of followers) {
      const earlier = valueRows.slice(0, valueRows.indexOf(row)).map(({ name }) => name)
      expect(earlier, row.name).toContain(sameAsOf(row))
    }
  })

  it('derives the environment names', () => {
    const named = Object.fromEntries(settings.map((row) => [row.name, envOf(row)]))
    expect(named).toMatchObject({ maxRequestsJitter: 'MONOCEROS_MAX_REQUESTS_JITTER', bind: 'MONOCEROS_BIND', onExit: null })
  })

  it('says a sentence about each', () => {
    for (const row of settings) expect(row.doc, row.name).toMatch(/^[A-Z].*[.]$/)
  })

  it('tells the process of each hook', () => {
    const inArbiter = settings.filter((row) => isHook(row) && row.process === 'arbiter').map(({ name }) => name)
    expect(inArbiter).toEqual([
      'onStarting',
      'whenReady',
      'onReload',
      'onExit',
      'nworkersChanged',
      'preFork',
      'childExit',
      'onDirtyStarting',
    ])
  })
})

describe('the types', () => {
  it('are those of the rows', () => {
    expectTypeOf<Settings['workers']>().toEqualTypeOf<number | 'auto'>()
    expectTypeOf<Settings['pidfile']>().toEqualTypeOf<string | null>()
    expectTypeOf<Settings['user']>().toEqualTypeOf<string | null>()
    expectTypeOf<Settings['umask']>().toEqualTypeOf<number>()
    expectTypeOf<Settings['bind']>().toEqualTypeOf<string[]>()
    expectTypeOf<Settings['fastResponse']>().toEqualTypeOf<boolean>()
    expectTypeOf<Settings['timeout']>().toEqualTypeOf<number>()
    expectTypeOf<Settings['threadQueueMax']>().toEqualTypeOf<number>()
    expectTypeOf<Settings['loglevel']>().toEqualTypeOf<'debug' | 'info' | 'warning' | 'error' | 'critical'>()
    expectTypeOf<Settings['logFormat']>().toEqualTypeOf<'auto' | 'text' | 'json'>()
    expectTypeOf<(typeof hookRows)[number]['name']>().toEqualTypeOf<HookName>()
    expectTypeOf<Extract<keyof Settings, HookName>>().toBeNever()
  })

  it('of a config file allow what a file may hold', () => {
    expectTypeOf<UserConfig['user']>().toEqualTypeOf<string | number | null | undefined>()
    expectTypeOf<UserConfig['umask']>().toEqualTypeOf<string | number | undefined>()
    expectTypeOf<UserConfig['bind']>().toEqualTypeOf<string | readonly string[] | undefined>()
    expectTypeOf<UserConfig>().not.toHaveProperty('printConfig')
    expectTypeOf<Parameters<NonNullable<Hooks['postFork']>>>().toEqualTypeOf<[worker: WorkerFacts]>()
  })
})

it('defineConfig gives back what it is given', async () => {
  const config = defineConfig({ workers: 'auto', bind: 'a:1', preRequest: async (worker, req) => worker.log.info(req.url ?? '') })
  expect(config.workers).toBe('auto')
  const late = defineConfig(async () => ({ workers: 2 }))
  expect(await late()).toEqual({ workers: 2 })
  // @ts-expect-error a word that is no number of workers
  defineConfig({ workers: 'many' })
  // @ts-expect-error a misspelt setting
  defineConfig({ wrokers: 2 })
})
