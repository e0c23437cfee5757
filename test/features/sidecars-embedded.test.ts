/** Sidecars of a supervisor that is part of somebody else's program. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { distPath, testFolder } from '../support/harness.ts'
import { runToEnd } from '../support/program.ts'

const door = pathToFileURL(join(distPath, 'src/index.js')).href

async function run(program: string): Promise<unknown> {
  const text = `
import { createSupervisor } from ${JSON.stringify(door)}
const sleeper = (name) => ({ name, command: 'sleep', args: ['1000'] })
const create = (sidecars) => createSupervisor({ app: './app.mjs', workers: 1, bind: ['127.0.0.1:0'], sidecars })
const tell = (facts) => process.stdout.write(JSON.stringify(facts) + '\\n')
${program}`
  const cwd = testFolder({
    'program.mjs': text,
    'app.mjs': "export default (req, res) => res.end('hi')\n",
    'jobs.mjs': 'export class Jobs { run() {} }\n',
  })
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  // What it leaves behind is an error of its own.
  const { code, stdout, stderr } = await runToEnd(['program.mjs'], { cwd })
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

test('they live and are reloaded with it, two of one name in two supervisors, and the program ends by itself', async () => {
  const told = await run(`
const states = ({ snapshot }) => snapshot().sidecars.map(({ name, state }) => name + ' ' + state)
const [one, two] = [create([sleeper('a')]), create([sleeper('a')])]
await Promise.all([one.start(), two.start()])
const before = one.snapshot().sidecars[0].pid
const reloaded = await one.reload({ sidecars: [sleeper('a'), sleeper('b')] })
const facts = { ok: reloaded.ok, states: [states(one), states(two)], isSame: one.snapshot().sidecars[0].pid === before }
await Promise.all([one.stop(), two.stop()])
tell(facts)`)
  expect(told).toEqual({ ok: true, states: [['a ready', 'b ready'], ['a ready']], isSame: true })
})

test('a start that fails because of one says so by its code, and leaves nothing', async () => {
  const told = await run(`
const codeOf = (sidecar) => create([sleeper('good'), sidecar]).start().then(() => 'started', (error) => error.code)
tell([await codeOf({ name: 'bad', command: 'false', readyWhen: { line: 'never' } }), await codeOf({ name: 'bad', command: 'no-such-program' })])`)
  expect(told).toEqual(['MON_SIDECAR_FAILED', 'MON_SIDECAR_COMMAND'])
})

test('a program that just exits leaves none', async () => {
  const told = await run(`
const one = create([sleeper('a')])
await one.start()
tell(one.snapshot().sidecars.length)
process.exit(0)`)
  expect(told).toBe(1)
})

test.each([
  ['sidecar', "sidecars: [sleeper('late')]"],
  ['dirty pool', "dirtyApps: './jobs.mjs:Jobs'"],
])('a stop before the start has come to its %s is a stop of that too', async (_, setting) => {
  const told = await run(`
let go, began
const hook = new Promise((resolve) => { began = resolve })
const one = createSupervisor({
  app: './app.mjs', workers: 1, bind: ['127.0.0.1:0'], ${setting},
  onStarting: () => (began(), new Promise((resolve) => { go = resolve })),
})
const told = new Promise((resolve) => one.on('transition', ({ chart, to }) => chart === 'arbiter' && /^(draining|stopped)/.test(to) && resolve()))
const start = one.start().then(() => 'started', () => 'refused')
await hook
const stopped = one.stop()
await told
go()
await stopped
// What were started after this would keep the program from its end.
tell(await start)`)
  expect(told).toBe('refused')
})
