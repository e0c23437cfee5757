/** What the worker class `job` leaves no room for, once every source has spoken. */
import { invalid, type Layer } from './layer.ts'
import { serverSocketRows } from './sections/server-socket.ts'

const pointless = ['bind', 'reusePort'] as const

/**
 * Jobs take no requests: an address that somebody gave would be bound for nothing. PORT, which platforms set for all they
 * run, is left unheard.
 *
 * @throws MonocerosError MON_CONFIG_INVALID
 */
export function settleJobs(all: Layer): Layer {
  const given = all.get('workerClass')!
  if (given.value !== 'job') return all
  for (const row of serverSocketRows) {
    if (!pointless.some((name) => name === row.name)) continue
    const { value, source } = all.get(row.name)!
    if (source === 'default' || source === 'PORT' || value === false) continue
    const problem = `nothing is bound for workerClass = job (${given.source})`
    throw invalid(row, value, source, problem, 'leave it out; what a job listens to by itself, it says in listen()')
  }
  return all
}
