/** The calling process from the driver's side. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { end, stoppable } from '../serve/child.ts'
import type { Task, TaskResult, Way } from './protocol.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface CallerProcess {
  run(task: Task): Promise<TaskResult>
  stop(): Promise<void>
}

export async function startCaller(way: Way): Promise<CallerProcess> {
  const child = fork(fileURLToPath(new URL('./caller.ts', import.meta.url)), {
    cwd: root,
    detached: true, // a session of its own: processor time is shared out by sessions
    execArgv: ['--no-warnings', '--import', 'jiti/register'],
  })
  const stop = stoppable(() => end(child))
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process that calls has ended (${code ?? signal})`)
  })
  gone.catch(() => undefined) // it is only of interest to who waits for an answer
  const answer = async () => {
    const [message] = await Promise.race([once(child, 'message'), gone])
    return message as unknown
  }
  child.send(way)
  await answer()
  return {
    run(task) {
      child.send(task)
      return answer() as Promise<TaskResult>
    },
    stop,
  }
}
