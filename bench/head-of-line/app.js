/** A route that answers at once and one that computes first; each answer tells who gave it. */
import { threadId } from 'node:worker_threads'
import { burn } from './burn.js'

const turns = Number(process.env.BENCH_BURN_TURNS)

/** @type {import('node:http').RequestListener} */
export default (req, res) => {
  if (req.url === '/burn') res.setHeader('x-burned', burn(turns))
  res.setHeader('x-served-by', `${process.pid}.${threadId}`)
  res.end('hello world\n')
}
