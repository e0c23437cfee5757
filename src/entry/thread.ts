/**
 * Who starts me: Piscina, in a worker of class gthread, for one lane of its pool.
 * I expect: one task, which is my whole life: the lane's memory, its ports, and the orders.
 * I own: the app as this thread has it, and the requests that I have claimed.
 * I end: when my main thread terminates me, or when the app does; the lane's chart in the main thread notices.
 * Exit codes: none of my own; the app's process.exit() ends only this thread.
 */
import { runThread } from '../compose/worker/thread.ts'

export default runThread
