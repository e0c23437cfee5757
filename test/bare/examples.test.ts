/** The contract holds for the examples on plain Node: what a server then breaks is the server's fault. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/contract/talk.ts'
import { casesWithout } from '../support/contract.ts'
import { type Example, examples, lackReasons } from '../support/examples.ts'

const root = new URL('../..', import.meta.url).pathname
const runner = new URL('../support/bare-runner.mjs', import.meta.url).pathname

function start(example: Example): ChildProcess {
  const typescript = example.spec.endsWith('.ts') ? ['--import', 'jiti/register'] : []
  const args = example.style === 'exported' ? [runner, example.spec] : [...typescript, '--import', runner, example.spec]
  return spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

describe.for(examples.map((example) => [example.name, example] as const))('%s on plain Node', ([, example]) => {
  let child: ChildProcess
  let base: { host: string; port: number }
  let output = ''

  beforeAll(async () => {
    child = start(example)
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code} before it listened:\n${output}`)))
    ended.catch(() => {}) // Only the race below asks.
    ;[base] = await Promise.race([once(child, 'message') as Promise<[typeof base]>, ended])
  })

  afterAll(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  for (const one of casesWithout(example.lacks)) {
    it(one.name, async () => {
      await one.run(base)
      expect(child.exitCode, output).toBe(null)
    })
  }

  it('dies of an uncaught exception when it is asked to, without an answer', async () => {
    const exit = once(child, 'exit')
    await expect(ask(base, '/crash')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await exit).toEqual([1, null])
  })

  it('says why it lacks what it lacks', () => {
    for (const lack of example.lacks) expect(lackReasons[lack]).toBeDefined()
  })
})
