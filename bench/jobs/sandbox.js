/** BullMQ's sandboxed processor. */
import { work } from './work.js'

export default async (job) => work(job.data)
