/** What the number of threads and the worker class make of each other, once every source has spoken. */
import { invalid, type Layer, type Placed } from './layer.ts'
import { sameAsOf } from './row.ts'
import { threadRows } from './sections/threads.ts'
import { workerRows } from './sections/workers.ts'
import { show } from './show.ts'

const classRow = workerRows.find(({ name }) => name === 'workerClass')!
const minRow = threadRows.find(({ name }) => name === 'threadsMin')!

/**
 * More than one thread chooses gthread where no class is given, and where it is `sync`, as in Gunicorn. Any other class was
 * asked for by name and is not taken away in silence.
 *
 * @throws MonocerosError MON_CONFIG_INVALID for a class that has no threads with some, a setting of threads that would do
 * nothing, and more threads kept than there are
 */
export function settleThreads(all: Layer): Layer {
  const threads = all.get('threads')!
  const given = all.get('workerClass')!
  if (given.value === 'gthread') return withinThreads(all, threads)
  if ((threads.value as number) === 1) return withoutThreads(all, given)
  const why = `threads = ${show(threads.value)} (${threads.source})`
  const isDefault = given.source === 'default'
  if (!isDefault && given.value !== 'sync') {
    throw invalid(classRow, given.value, given.source, `${why} needs gthread`, 'gthread or sync, or threads = 1')
  }
  const source = isDefault ? why : `${why} over ${show(given.value)} (${given.source})`
  return withinThreads(new Map([...all, ['workerClass', { value: 'gthread', source }]]), threads)
}

function withinThreads(all: Layer, threads: Placed): Layer {
  const { value, source } = all.get('threadsMin')!
  if ((value as number) <= (threads.value as number)) return all
  const problem = `more than threads = ${show(threads.value)} (${threads.source})`
  throw invalid(minRow, value, source, problem, `a whole number from 0 to ${show(threads.value)}`)
}

/** A value that is the default does no harm: it is how a later source takes back what an earlier one says. */
function withoutThreads(all: Layer, given: Placed): Layer {
  for (const row of threadRows) {
    const { value, source } = all.get(row.name)!
    const sameAs = sameAsOf(row)
    if (value === (sameAs === null ? row.default : all.get(sameAs)?.value)) continue
    const problem = `does nothing in workerClass = ${show(given.value)} (${given.source})`
    throw invalid(row, value, source, problem, 'with workerClass = gthread, or threads from 2')
  }
  return all
}
