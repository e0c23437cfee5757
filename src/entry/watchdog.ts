/**
 * Who starts me: a worker's main thread, before it imports the app.
 * I expect: workerData = WatchOrders; the beat pipe's descriptor is inherited by the process.
 * I own: the beat pipe.
 * I end: with the process; nobody waits for me. I kill the process group when the parent is gone and the loop is stuck.
 * Exit codes: none of my own.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { watch } from '../watchdog/watch.ts'

if (parentPort !== null) watch(workerData, parentPort, new URL('./probe.js', import.meta.url))
