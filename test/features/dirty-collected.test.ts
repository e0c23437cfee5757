import { expect, test } from 'vitest'
import { appOf, door, startDirty } from '../support/dirty.ts'

const app = `
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
export class CallApp {
  async run(callback, value) { return await callback(value) }
  async collect() {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    for (let turn = 0; turn < 5; turn++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)) }
    return 'collected'
  }
}
`

/*
 * Comlink tells the other side when a callback has been collected. Its call was over by then, which was an error that nobody
 * caught: the thread died with whatever call it had.
 */
test('a callback that is collected after its call ends no thread', async () => {
  const server = startDirty({ args: ['--dirty-app', './calls.mjs:CallApp', '--dirty-workers', '1'], files: { 'calls.mjs': app } })
  await server.ready()
  const calls = appOf(server, 'calls')
  for (let n = 0; n < 5; n++)
    expect(
      await calls.run(
        door.proxy((value: number) => value + 1),
        n,
      ),
    ).toBe(n + 1)
  expect(await calls.collect()).toBe('collected')
  expect(server.all('dirty.call-lost')).toHaveLength(0)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})
