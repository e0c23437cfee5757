import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Where the counts of a run are written as JSON, besides what people read. */
const report = process.env['MONOCEROS_TEST_REPORT']
/** Where many runs have to agree, a test of real processes may fail once; it is tried again, and named as flaky at the end. */
const retry = Number(process.env['MONOCEROS_TEST_RETRY'] ?? 0)

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
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
        test: {
          name: 'features',
          include: ['test/features/**/*.test.ts'],
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
