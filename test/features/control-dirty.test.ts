/** Dirty calls, as they are seen through the control socket while they run. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { control } from '../support/control.ts'
import { appOf, startDirty } from '../support/dirty.ts'
import { poll } from '../support/poll.ts'

const jobs = `
import { existsSync } from 'node:fs'
import { DirtyApp } from 'monoceros/dirty'
export class Jobs extends DirtyApp {
  spinUntilTold() { while (!existsSync('go')); return 'done' }
  async waitUntilTold() { while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5)); return 'done' }
}`

test('calls that run are among the requests, and a thread that computes shows where it is', async () => {
  const server = startDirty({
    // One that stands back may not come to a statement in time on a busy machine.
    args: ['--dirty-app', './jobs.mjs:Jobs', '--dirty-workers', '1', '--dirty-threads', '2', '--dirty-nice', '0'],
    files: { 'jobs.mjs': jobs },
  })
  await server.ready()
  const app = appOf(server, 'jobs')
  const calls = [app.spinUntilTold(), app.waitUntilTold()].map((call) => Promise.resolve(call))
  const client = await control(server)
  const requests = await poll(async () => {
    const { requests } = await client.data('show requests')
    return requests.length === 2 ? requests : null
  })
  const [one] = requests
  expect(requests.map(({ path }: { path: string }) => path).sort()).toEqual(['jobs.spinUntilTold', 'jobs.waitUntilTold'])
  expect(one).toMatchObject({ role: 'dirty-worker', slot: 0, method: 'CALL', thread: expect.any(Number), age_s: expect.any(Number) })
  await poll(async () => {
    const { stacks } = await client.data(`stacks ${one.pid}`)
    return JSON.stringify(stacks[0].threads).includes('spinUntilTold') ? true : null
  })
  writeFileSync(join(server.folder, 'go'), '')
  expect(await Promise.all(calls)).toEqual(['done', 'done'])
  expect((await client.data('show requests')).requests).toEqual([])
})
