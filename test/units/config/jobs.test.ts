/** What the worker class `job` leaves no room for, whichever sources say so. */
import { describe, expect, it } from 'vitest'
import { type Asked, ask, configOf, folderWith } from './folder.ts'

/** The facts of the error that these sources are refused with. */
async function refusedFor(asked: Asked) {
  const answer = await ask(asked)
  return answer.ok ? null : answer.error.facts
}

const job = ['./consumer.js', '-k', 'job']

describe('the worker class job', () => {
  it('is refused with an address, wherever each of them was set', async () => {
    const facts = { setting: 'bind', problem: 'nothing is bound for workerClass = job (command line)' }
    expect(await refusedFor({ argv: [...job, '-b', ':80'] })).toMatchObject({ ...facts, source: 'command line' })
    expect(await refusedFor({ argv: job, env: { MONOCEROS_BIND: ':80' } })).toMatchObject({ ...facts, source: 'MONOCEROS_BIND' })
    const cwd = folderWith({ 'monoceros.config.json': { bind: ':80', worker_class: 'job' } })
    expect(await refusedFor({ argv: ['./consumer.js'], cwd })).toMatchObject({
      setting: 'bind',
      problem: 'nothing is bound for workerClass = job (./monoceros.config.json)',
    })
  })

  it('is refused with what is about sockets and threads only', async () => {
    expect(await refusedFor({ argv: [...job, '--reuse-port'] })).toMatchObject({ setting: 'reusePort' })
    expect(await refusedFor({ argv: [...job, '--threads', '2'] })).toMatchObject({ setting: 'workerClass' })
  })

  it('does not heed PORT, and has nothing bound', async () => {
    expect(await configOf({ argv: job, env: { PORT: '3000' } })).toMatchObject({ isBindGiven: false, settings: { workerClass: 'job' } })
    expect(await configOf({ argv: [...job, '--no-reuse-port'] })).toMatchObject({ isBindGiven: false })
  })
})
