/**
 * Who starts me: Piscina, in a dirty worker, for one thread of one app.
 * I expect: one task, which is my whole life: the port of the calls, the port of control, and the orders.
 * I own: one instance of the app, and the call that it runs.
 * I end: when my main thread terminates me, or when the app does; the lane's chart in the main thread notices.
 * Exit codes: none of my own; the app's process.exit() ends only this thread.
 */
import { runDirtyThread } from '../compose/dirty/dirty-thread.ts'

export default runDirtyThread
