import { expect, test } from 'vitest'
import { reopenLogs } from '../../../src/compose/arbiter/arbiter-logs.ts'
import type { ArbiterScope } from '../../../src/compose/arbiter/arbiter-scope.ts'

test('a rotation reaches every process that writes: the arbiter, its workers and its dirty arbiter', () => {
  const reopened: string[] = []
  const scope = {
    current: { config: { settings: { user: null, group: null, errorlog: '-', accesslog: null, flightRecorder: null, chdir: '/' } } },
    recorder: { reopen: () => reopened.push('recorder') },
    log: { reopen: () => reopened.push('arbiter'), event: () => undefined },
    roster: { rows: () => [{ send: ({ type }: { type: string }) => type === 'reopen' && reopened.push('worker') }] },
    dirty: { reopen: () => reopened.push('dirty arbiter') },
  }
  reopenLogs(scope as unknown as ArbiterScope)
  reopenLogs({ ...scope, dirty: null } as unknown as ArbiterScope)
  expect(reopened).toEqual(['arbiter', 'recorder', 'worker', 'dirty arbiter', 'arbiter', 'recorder', 'worker'])
})
