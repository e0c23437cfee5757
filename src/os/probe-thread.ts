import { Worker } from 'node:worker_threads'

/** Runs one thread image until it has answered or ended; it costs its process nothing when it fails. */
export function runProbe<Answer>(url: URL, question: unknown, patienceMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(url, { workerData: question, execArgv: [], name: 'probe' })
    const timer = setTimeout(() => {
      void thread.terminate()
      reject(new Error('the main thread did not answer: it is in native code'))
    }, patienceMs)
    thread.once('message', (answer: Answer) => resolve(answer))
    thread.once('error', reject)
    thread.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('it ended without an answer'))
    })
    // The process may end without it.
    thread.unref()
  })
}
