/** The contract holds for every example behind the arbiter, in every class: what fails only here is the server's fault. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/contract/talk.ts'
import { casesWithout } from '../support/contract.ts'
import { type Example, examples } from '../support/examples.ts'
import { type Running, root, startShared } from '../support/harness.ts'

const classes = [
  { name: 'async', lacks: [], args: [] },
  { name: 'gthread', lacks: [], args: ['--threads', '2', '--thread-concurrency', '8'] },
  // It closes after each answer and holds one request at a time: the rest of the contract is not its class's business.
  { name: 'sync', lacks: ['keep-alive', 'pipelining', 'concurrency'], args: [] },
] as const
type Class = (typeof classes)[number]

const pairs = examples.flatMap((example) => classes.map((workerClass) => ({ example, workerClass })))
/** Most of a case is waiting: a few servers at a time, each with one case at a time. */
const together = 4
const batches = Array.from({ length: Math.ceil(pairs.length / together) }, (_, index) =>
  pairs.slice(index * together, (index + 1) * together),
)

for (const [index, batch] of batches.entries()) {
  describe(`batch ${index + 1}`, () => {
    for (const { example, workerClass } of batch) {
      describe.concurrent(`${example.name}, ${workerClass.name}`, () => {
        describe.sequential('served by two workers', () => serves(example, workerClass))
      })
    }
  })
}

function serves(example: Example, workerClass: Class): void {
  let server: Running
  let close: (keepFolder?: boolean) => Promise<void>
  const base = () => ({ host: '127.0.0.1', port: server.port() })

  beforeAll(async () => {
    // A program that listens decides for itself, by PORT; the others are bound from outside.
    const isProgram = example.style === 'listens'
    ;({ running: server, close } = startShared({
      args: [
        example.spec,
        '-w',
        '2',
        '--log-level',
        'debug',
        '-k',
        workerClass.name,
        ...workerClass.args,
        ...(isProgram ? [] : ['-b', '127.0.0.1:0']),
      ],
      cwd: root,
      env: isProgram ? { PORT: '0' } : {},
    }))
    await server.ready()
  })

  afterAll(() => close())

  for (const one of casesWithout([...example.lacks, ...workerClass.lacks])) {
    it(one.name, async () => {
      await one.run(base())
      expect(server.all('worker.died')).toEqual([])
    })
  }

  it('shares its one address among all workers', () => {
    expect(server.all('listener.bound')).toHaveLength(1)
    expect(server.workers().size).toBe(2)
  })

  it('replaces what an uncaught exception ends: the worker, or the thread alone', async () => {
    const after = server.lines.length
    if (workerClass.name === 'gthread') {
      expect((await ask(base(), '/crash')).status).toBe(502)
      const { thread, pid } = await server.until('thread.died', undefined, { after })
      await server.until('thread.ready', { thread, pid }, { after })
      expect(server.all('worker.died')).toEqual([])
    } else {
      await expect(ask(base(), '/crash')).rejects.toMatchObject({ code: 'ECONNRESET' })
      const { slot } = await server.until('worker.died', undefined, { after })
      await server.until('worker.ready', { slot }, { after })
    }
    expect((await ask(base(), '/pid')).status).toBe(200)
  })
}
