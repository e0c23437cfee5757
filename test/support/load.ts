/** A small, steady load: clients with keep-alive and clients that connect anew for each request, until it is stopped. */
import http from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Ask, ask } from './client.ts'

export interface LoadResult {
  readonly answered: number
  /** Everything but a whole answer with status 200. */
  readonly failures: readonly string[]
}

export interface Load {
  /** Waits until this many more answers have come, so that what happened before them happened under load. */
  more(answers: number): Promise<void>
  stop(): Promise<LoadResult>
}

export interface LoadOptions extends Ask {
  readonly keepAlive?: number
  readonly fresh?: number
}

const betweenMs = 4

export function startLoad({ keepAlive = 2, fresh = 2, ...what }: LoadOptions): Load {
  const failures: string[] = []
  const hearers = new Set<() => void>()
  let answered = 0
  let isOver = false

  async function client(agent?: http.Agent): Promise<void> {
    while (!isOver) {
      try {
        const { status, body } = await ask({ ...what, ...(agent === undefined ? {} : { agent }) })
        if (status === 200) answered++
        else failures.push(`${agent === undefined ? 'new' : 'keep-alive'}: ${status} ${body.slice(0, 100)}`)
      } catch (error) {
        failures.push(`${agent === undefined ? 'new' : 'keep-alive'}: ${error}`)
      }
      for (const hear of [...hearers]) hear()
      await pause(betweenMs)
    }
    agent?.destroy()
  }

  const clients = [
    ...Array.from({ length: keepAlive }, () => client(new http.Agent({ keepAlive: true, maxSockets: 1 }))),
    ...Array.from({ length: fresh }, () => client()),
  ]
  return {
    more(answers) {
      const goal = answered + answers
      return new Promise((resolve) => {
        const hear = () => {
          if (answered < goal && failures.length === 0) return
          hearers.delete(hear)
          resolve()
        }
        hearers.add(hear)
      })
    },
    async stop() {
      isOver = true
      await Promise.all(clients)
      return { answered, failures }
    },
  }
}
