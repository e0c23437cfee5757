/** The example consumer does what it says, through a reload and a kill: no file is counted twice, none is left behind. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

test('every file of the inbox is counted once, through a reload and the death of a worker', async () => {
  const office = testFolder()
  onTestFinished(() => rmSync(office, { recursive: true }))
  for (const name of ['inbox', 'done']) mkdirSync(join(office, name))
  const names = Array.from({ length: 60 }, (_, n) => `letter ${n}`)
  for (const [n, name] of names.entries()) writeFileSync(join(office, 'inbox', name), 'word '.repeat(n))
  writeFileSync(join(office, 'inbox', 'picture'), Buffer.from([0xff, 0xfe, 0xff]))
  const inFolder = (name: string) => readdirSync(join(office, name))
  const server = start({
    args: ['docs/examples/job/consumer.ts', '-k', 'job', '-w', '2'],
    cwd: root,
    env: { OFFICE: office, COUNT_MS: '100' },
  })
  await server.ready()
  await server.untilCount('app.info', 10)
  server.signal('SIGHUP')
  await server.until('reload.done')
  process.kill(server.workers().get(1) as number, 'SIGKILL')
  await poll(
    () => inFolder('inbox').length + inFolder('desk').length === 0,
    () => `${inFolder('inbox')} / ${inFolder('desk')}`,
  )
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(inFolder('done').sort()).toEqual(names.flatMap((name) => [name, `${name}.json`]).sort())
  expect(inFolder('failed')).toEqual(['picture'])
  for (const [n, name] of names.entries()) {
    expect(JSON.parse(readFileSync(join(office, 'done', `${name}.json`), 'utf8'))).toMatchObject({ words: n })
  }
  expect(server.all('job.cut')).toEqual([])
  expect(server.all('job.failed')).toEqual([])
})
