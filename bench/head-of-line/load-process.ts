/** The load from the driver's side: a process of its own, so that nothing else makes it late. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadOrder, LoadResult } from './protocol.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function load(order: LoadOrder): Promise<LoadResult> {
  const child = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), {
    cwd: root,
    detached: true, // a session of its own: processor time is shared out by sessions
    execArgv: ['--no-warnings', '--import', 'jiti/register'],
  })
  const exited = once(child, 'exit')
  let result: LoadResult | null = null
  child.once('message', (message) => {
    result = message as LoadResult
  })
  child.send(order)
  const [code, signal] = await exited
  if (result === null) throw new Error(`the load process ended without a result (${code ?? signal})`)
  return result
}
