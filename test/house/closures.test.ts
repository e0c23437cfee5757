import { describe, expect, test } from 'vitest'
import { closureOf, sourceAt, sources } from './imports.ts'

/** What an entry file brings in, the parts it loads later on purpose included. */
function imageOf(entry: string): string[] {
  const late =
    sourceAt(entry)
      ?.imports.filter(({ isDynamic }) => isDynamic)
      .map(({ of }) => of) ?? []
  return [...closureOf(entry), ...late.flatMap((path) => [...closureOf(path)])]
}

const forbidden: Readonly<Record<string, readonly RegExp[]>> = {
  'src/entry/cli.ts': [/^src\/worker\//, /^src\/watchdog\//, /^jiti/, /^srvx/],
  'src/entry/worker.ts': [
    /^src\/(arbiter|watchdog|config|threads|thread|lanes)\//,
    /^(valibot|smol-toml|piscina|comlink)$/,
    /^jiti/,
    /^srvx/,
  ],
  'src/entry/thread.ts': [
    /^src\/(arbiter|worker|watchdog|threads|config|log)\//,
    /^machines\//,
    /^(xstate|pino|valibot|smol-toml|piscina)$/,
    /^jiti/,
    /^srvx/,
  ],
  'src/entry/dirty-arbiter.ts': [
    // It answers its watchdog as a worker does.
    /^src\/worker\/(?!vitals\.ts$)/,
    /^src\/(app|watchdog|threads|thread|http|lanes|config|dirty-worker|dirty-thread|dirty-client)\//,
    /^(piscina|comlink|srvx|smol-toml|valibot)$/,
    /^jiti/,
  ],
  'src/entry/dirty-worker.ts': [
    /^src\/(arbiter|watchdog|config|thread|http|dirty-arbiter|dirty-thread|dirty-client)\//,
    /^(valibot|smol-toml|srvx)$/,
    /^jiti/,
  ],
  'src/entry/dirty-thread.ts': [
    /^src\/(arbiter|worker|watchdog|threads|config|log|http|dirty-arbiter|dirty-worker)\//,
    /^machines\//,
    /^(xstate|pino|valibot|smol-toml|piscina|srvx)$/,
    /^jiti/,
  ],
  'src/entry/ctl.ts': [/^src\/(arbiter|worker|app|watchdog|log|compose|ipc|flight-recorder)\//, /^machines\//, /^(xstate|pino|valibot)$/],
  'src/entry/probe.ts': [/^src\/(arbiter|worker|app|config|log|compose)\//, /^machines\//, /^xstate$/, /^pino$/, /^valibot$/],
  'src/entry/watchdog.ts': [/^src\/(arbiter|worker|app|config|log|compose)\//, /^machines\//, /^xstate$/, /^pino$/, /^valibot$/],
}

describe('what a process image does not load', () => {
  test.each(Object.entries(forbidden))('%s', (entry, patterns) => {
    expect(imageOf(entry).filter((path) => patterns.some((pattern) => pattern.test(path)))).toEqual([])
  })
})

test('a worker of class gthread loads its pool late, and nothing of what runs in the threads', () => {
  const ways = sources.flatMap(({ imports }) =>
    imports.filter(({ of, isType }) => of === 'src/compose/worker/worker-threads.ts' && !isType),
  )
  expect(ways.map(({ isDynamic }) => isDynamic)).toEqual([true])
  const late = [...closureOf('src/compose/worker/worker-threads.ts')]
  expect(late).toEqual(expect.arrayContaining(['piscina', 'comlink']))
  expect(late.filter((path) => /^src\/(thread|app|config|arbiter|watchdog)\//.test(path))).toEqual([])
})

test('a worker of class job loads its part late, and nothing of the pools of threads', () => {
  const ways = sources.flatMap(({ imports }) => imports.filter(({ of, isType }) => of === 'src/compose/worker/worker-jobs.ts' && !isType))
  expect(ways.map(({ isDynamic }) => isDynamic)).toEqual([true])
  const late = [...closureOf('src/compose/worker/worker-jobs.ts')]
  expect(late.filter((path) => /^(src\/(threads|thread|lanes|config|arbiter|watchdog)\/|piscina$|valibot$)/.test(path))).toEqual([])
})

test.each(['arbiter/arbiter', 'worker/worker-parts', 'dirty/dirty-arbiter', 'dirty/dirty-worker'])(
  '%s loads what tells elsewhere only where it is wanted',
  (part) => {
    const tellers =
      /^(src\/(dashboard\/|log\/syslog|metrics\/(?!names\.ts$)|os\/(datagrams|unix-datagrams|line-streams|logger-program))|node:dgram$)/
    const loaded = [...closureOf(`src/compose/${part}.ts`)]
    expect(loaded.length).toBeGreaterThan(10)
    expect(loaded.filter((path) => tellers.test(path))).toEqual([])
  },
)

test('an arbiter loads what keeps sidecars only where there are any', () => {
  const loaded = [...closureOf('src/compose/arbiter/arbiter.ts')]
  expect(loaded.filter((path) => /^(src\/sidecars\/|src\/os\/foreign|machines\/sidecar)/.test(path))).toEqual([])
  expect([...closureOf('src/compose/arbiter/arbiter-sidecars.ts')]).toContain('src/os/foreign.ts')
})

test('every entry file is held to a closure', () => {
  expect(
    sources
      .filter(({ path }) => path.startsWith('src/entry/'))
      .map(({ path }) => path)
      .sort(),
  ).toEqual(Object.keys(forbidden).sort())
})

test('an entry file is short and begins by saying who it is', () => {
  for (const { path, text } of sources.filter((source) => source.path.startsWith('src/entry/'))) {
    const [, header = '', code = ''] = /^(?:#!.*\n)?\/\*\*\n([\s\S]*?) \*\/\n([\s\S]*)$/.exec(text) ?? []
    const lines = header
      .trim()
      .split('\n')
      .map((line) => line.replace(/^ \* /, '').split(':')[0])
    expect([path, ...lines]).toEqual(
      [path, 'Who starts me', 'I expect', 'I own', 'I end', 'Exit codes'].map((line, index) => (index === 1 ? (lines[0] ?? line) : line)),
    )
    expect(code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length, path).toBeLessThanOrEqual(30)
  }
})

test('a child loads what records its steps, and nothing of what keeps, turns over or tells them', () => {
  for (const entry of ['worker', 'dirty-arbiter', 'dirty-worker']) {
    const loaded = imageOf(`src/entry/${entry}.ts`).filter((path) => path.startsWith('src/flight-recorder/'))
    expect([...new Set(loaded)].sort()).toEqual(
      ['cause', 'facts', 'outbox', 'recorder-file', 'tap'].map((name) => `src/flight-recorder/${name}.ts`),
    )
  }
  expect(
    [...closureOf('src/compose/cli/replay.ts')].filter((path) =>
      /^(src\/(arbiter|worker|dirty|control|dashboard)|xstate|pino|valibot)/.test(path),
    ),
  ).toEqual([])
})

test('a program that calls dirty apps loads what calls them, and nothing of the server', () => {
  expect(imageOf('src/dirty.ts').filter((path) => !/^(node:|comlink$|src\/(dirty\.ts$|dirty-client\/|wire\/|base\/))/.test(path))).toEqual(
    [],
  )
})

test('a program that wants no pool of threads loads nothing of one', () => {
  const ways = sources.flatMap(({ path, imports }) =>
    path.startsWith('src/compose/pool/') ? [] : imports.filter(({ of, isType }) => of.startsWith('src/compose/pool/') && !isType),
  )
  expect(ways.map(({ of, isDynamic }) => [of, isDynamic])).toEqual([['src/compose/pool/create-thread-pool.ts', true]])
})

test.each(['src/index.ts', 'src/dirty.ts', 'src/bullmq.ts'])('the door for programs %s is re-exports only', (path) => {
  const text = sourceAt(path)?.text ?? ''
  expect(text).not.toBe('')
  const rest = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^export (type )?\{[^}]*\} from '[^']+'$/gm, '')
  expect(rest.trim()).toBe('')
})
