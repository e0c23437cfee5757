import { defineConfig } from 'vitest/config'

/** Test files of features start real servers: two at a time on a small machine, so that what they wait for comes. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    projects: [
      {
        test: { name: 'fast', include: ['test/{machines,units,house}/**/*.test.ts'], testTimeout: 20_000 },
      },
      {
        test: {
          name: 'features',
          include: ['test/features/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
    ],
  },
})
