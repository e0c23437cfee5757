/** The load from the driver's side: a process of its own, so that the driver's waiting and the load never slow each other. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { root } from '../../test/support/harness.ts'
import type { FromLoad, LoadOptions, LoadResult, ToLoad } from './protocol.ts'

export interface LoadProcess {
  /** Resolves when so many requests have got their answer or have been lost. */
  reached(requests: number): Promise<void>
  readonly done: number
  /** Lets so many more requests come, and then asks for the result. */
  finish(after: number): Promise<LoadResult>
  end(): Promise<void>
}

const patienceMs = 120_000

export function startLoad(options: LoadOptions): LoadProcess {
  const child: ChildProcess = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), {
    cwd: root,
    execArgv: ['--no-warnings', '--import', 'jiti/register'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let done = 0
  let result: LoadResult | null = null
  const hearers = new Set<() => void>()
  const hear = () => {
    for (const hearer of [...hearers]) hearer()
  }
  child.on('message', (message: FromLoad) => {
    if (message.type === 'progress') done = message.done
    else result = message.result
    hear()
  })
  child.once('exit', hear)
  const send = (message: ToLoad) => child.send(message)

  function waitFor<T>(what: string, look: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        hearers.delete(hearer)
        act()
      }
      const hearer = () => {
        const found = look()
        if (found !== null) settle(() => resolve(found))
        else if (child.exitCode !== null) settle(() => reject(new Error(`the load process ended while ${what} was waited for`)))
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`${what}: not within ${patienceMs} ms (${done} done)`))), patienceMs)
      hearers.add(hearer)
      hearer()
    })
  }

  send({ type: 'start', options })
  return {
    reached: async (requests) => void (await waitFor(`${requests} requests`, () => (done >= requests ? true : null))),
    get done() {
      return done
    },
    finish(after) {
      send({ type: 'finish', after })
      return waitFor('the result', () => result)
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null && result === null) child.kill('SIGKILL')
      await exited
    },
  }
}
