// The shop's heavy work is done by dirty apps, in processes of their own. Without a pool of them the rest of the shop goes on.
import { DirtyError, dirty } from 'monoceros/dirty'

/** @template App @typedef {import('monoceros/dirty').DirtyProxy<App>} DirtyProxy */

// Nothing is connected before the first call.
export const sources = /** @type {DirtyProxy<import('./sources.js').SourceApp>} */ (dirty('sources'))
export const reports = /** @type {DirtyProxy<import('./reports.js').ReportApp>} */ (dirty('reports'))

const howToStart =
  'There are no dirty apps here. `npm start` has them; else give --dirty-app docs/examples/shop/sources.js:SourceApp ' +
  'and --dirty-app docs/examples/shop/reports.js:ReportApp.'

/** @type {Readonly<Record<string, { status: number, sentence: string }>>} */
const problems = {
  MON_DIRTY_NO_SOCKET: { status: 503, sentence: howToStart },
  MON_DIRTY_NO_APP: { status: 503, sentence: howToStart },
  MON_DIRTY_NO_WORKER: { status: 503, sentence: 'No process could be started for this. The log says why.' },
  MON_DIRTY_CONNECTION: { status: 503, sentence: 'The dirty apps are being restarted. Try again.' },
  MON_DIRTY_CLOSING: { status: 503, sentence: 'The dirty apps are stopping.' },
  MON_DIRTY_QUEUE_FULL: { status: 503, sentence: 'Too many are waiting for this. Try again later.' },
  MON_DIRTY_TIMEOUT: { status: 504, sentence: 'This took too long, and was stopped.' },
  MON_DIRTY_WORKER_LOST: { status: 502, sentence: 'The process that did this has died. Another one takes its place.' },
}

/** What a failed call is in HTTP; undefined when it is a bug. @param {unknown} error */
export function heavyProblem(error) {
  if (!(error instanceof DirtyError)) return undefined
  // What the app threw is the cause, with its code.
  const cause = /** @type {NodeJS.ErrnoException | undefined} */ (error.cause)
  if (cause?.code === 'NO_GRAMMAR') return { status: 415, sentence: cause.message }
  return problems[error.code]
}

/**
 * Takes the first chunk before anything is sent: until then an error can still be an answer.
 *
 * @template Chunk
 * @param {AsyncIterable<Chunk>} stream
 * @returns {Promise<AsyncIterable<Chunk>>}
 */
export async function begun(stream) {
  const steps = stream[Symbol.asyncIterator]()
  const first = await steps.next()
  return (async function* () {
    try {
      for (let step = first; !step.done; step = await steps.next()) yield step.value
    } finally {
      await steps.return?.()
    }
  })()
}

/** Fires when the client has gone: what runs for it is stopped. @param {import('node:http').ServerResponse} res */
export function goneSignal(res) {
  const gone = new AbortController()
  if (res.destroyed) gone.abort()
  else res.once('close', () => gone.abort())
  return gone.signal
}
