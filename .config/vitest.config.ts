import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Where the counts of a run are written as JSON, besides what people read. */
const report = process.env['MONOCEROS_TEST_REPORT']
/** Where many runs have to agree, a test of real processes may fail once; it is tried again, and named as flaky at the end. */
const retry = Number(process.env['MONOCEROS_TEST_RETRY'] ?? 0)

const root = new URL('..', import.meta.url).pathname

/** What differs most from one Node to the next: these run on every one. */
const core = ['app-servers', 'autopsy', 'boot', 'dirty-calls', 'gthread', 'gthread-bodies', 'gthread-deaths', 'listen-programs', 'signals']

/** `2/3` in the environment: beside the core only every third file, so that three Nodes share what one runs whole. */
function featureFiles(): string[] {
  const [part, parts] = (process.env['MONOCEROS_TEST_SHARE'] ?? '1/1').split('/').map(Number)
  const names = readdirSync(`${root}test/features`).filter((name) => name.endsWith('.test.ts'))
  const others = names.filter((name) => !core.includes(name.replace('.test.ts', ''))).sort()
  const share = others.filter((_, index) => index % parts! === part! - 1)
  return [...names.filter((name) => !others.includes(name)), ...share].map((name) => `test/features/${name}`)
}

export default defineConfig({
  root,
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: { name: 'fast', include: ['test/{machines,units,house}/**/*.test.ts'], testTimeout: 30_000, maxWorkers: availableParallelism() },
      },
      {
        // The examples on plain Node: what monoceros is compared with, so one Node is enough.
        test: { name: 'bare', include: ['test/bare/**/*.test.ts'], testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 2 },
      },
      {
        // The packed package, installed outside the repository.
        test: { name: 'package', include: ['test/package/**/*.test.ts'], globalSetup: 'test/package/setup.ts', testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 2 },
      },
      {
        test: {
          name: 'features',
          include: featureFiles(),
          retry,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          // Each file starts servers of several processes: two at a time, or what they wait for comes late.
          maxWorkers: 2,
        },
      },
    ],
  },
})
