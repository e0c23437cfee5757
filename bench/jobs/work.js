/** One job, the same in every arm: it computes for so many turns, and answers with what tells a right answer from a wrong one. */
import { createHash } from 'node:crypto'

export function work({ nonce, turns, payload }) {
  let state = 1
  for (let turn = 0; turn < turns; turn++) state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + turn
  return { nonce, state, digest: createHash('sha1').update(payload).digest('hex') }
}
