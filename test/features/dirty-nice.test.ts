import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { dirtyWorkers, startDirty } from '../support/dirty.ts'
import { poll } from '../support/poll.ts'

/*
 * Dirty workers had a nice value of 10, and took as much as the workers that serve all the same: each leads a session, and
 * Linux shares the processors out among these first.
 */
test('dirty workers stand back for those that serve, also where the kernel shares processors out by sessions', async () => {
  const server = startDirty({
    args: ['--dirty-app', './idle.mjs:IdleApp', '--dirty-workers', '2', '--dirty-nice', '7'],
    files: { 'idle.mjs': 'export class IdleApp { nothing() {} }' },
  })
  await server.ready()
  const sessionNice = (pid: number) => /nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1]
  const hasSessions = existsSync('/proc/self/autogroup')
  const jobs = [...dirtyWorkers(server).values()]
  expect(jobs).toHaveLength(2)
  for (const pid of jobs) {
    expect(getPriority(pid)).toBe(7)
    if (hasSessions) await poll(() => sessionNice(pid) === '7')
  }
  for (const pid of server.workers().values()) {
    expect(getPriority(pid)).toBe(0)
    if (hasSessions) expect(sessionNice(pid)).toBe('0')
  }
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})
