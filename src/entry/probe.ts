/**
 * Who starts me: a watchdog thread, or the arbiter, when somebody wants to look into the process.
 * I expect: workerData = the question.
 * I own: the file that I write, until it is whole.
 * I end: when I have answered; whoever started me waits for that, for a bounded time.
 * Exit codes: none of my own.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { inspectMain } from '../watchdog/inspect-main.ts'

// The inspector's answers alone hold no thread.
const held = setInterval(() => undefined, 60_000)
parentPort?.postMessage(await inspectMain(workerData))
clearInterval(held)
