import { Worker } from 'node:worker_threads'

export interface Probe {
  /** @throws when the answer does not come in time, or the thread fails */
  ask(question: unknown, patienceMs: number): Promise<unknown>
}

export interface ProbeAnswer {
  readonly id: number
  readonly value?: unknown
  readonly problem?: string
}

/**
 * A thread that looks into the main thread of its process; started by the first question, and kept: Node aborts the
 * process when a thread ends whose inspector session the main thread has not yet let go of.
 */
export function createProbe(url: URL): Probe {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let thread: Worker | null = null
  let lastId = 0

  function end(error: Error): void {
    thread = null
    for (const { reject } of waiting.values()) reject(error)
  }

  function start(): Worker {
    const started = new Worker(url, { execArgv: [], name: 'probe' })
    started.on('message', ({ id, value, problem }: ProbeAnswer) => {
      if (problem === undefined) waiting.get(id)?.resolve(value)
      else waiting.get(id)?.reject(new Error(problem))
    })
    started.once('error', end)
    started.once('exit', () => end(new Error('it ended without an answer')))
    // After the listeners: the one for messages holds the loop again.
    started.unref()
    return started
  }

  return {
    ask: (question, patienceMs) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        const over = () => {
          clearTimeout(timer)
          waiting.delete(id)
        }
        const timer = setTimeout(
          () => waiting.get(id)?.reject(new Error('the main thread did not answer: it is in native code')),
          patienceMs,
        )
        waiting.set(id, {
          resolve(value) {
            over()
            resolve(value)
          },
          reject(error) {
            over()
            reject(error)
          },
        })
        thread ??= start()
        thread.postMessage({ id, question })
      }),
  }
}
