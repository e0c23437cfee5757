/**
 * Who starts me: a watchdog thread, or the arbiter, when somebody wants to look into the process for the first time.
 * I expect: questions on my port.
 * I own: the file that I write, until it is whole.
 * I end: with the process; nobody waits for me longer than for an answer.
 * Exit codes: none of my own.
 */
import { parentPort } from 'node:worker_threads'
import { answerProbe } from '../watchdog/inspect-main.ts'

parentPort?.on('message', async ({ id, question }) => parentPort?.postMessage({ id, ...(await answerProbe(question)) }))
