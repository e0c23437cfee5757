/** What led to what a child's handle is told, where the event itself does not say it. */
import type { HandleEvent, HandleInput } from '../../../machines/worker-handle.ts'
import type { FactFromWorker } from '../../ipc/messages.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

const lastWords = new WeakMap<HandleInput, string>()

/** An app may catch it after all, and live on: what was kept then waits for an end that fits. */
export function keepLastWords(input: HandleInput, { problem, request }: Extract<FactFromWorker, { type: 'uncaught' }>): void {
  lastWords.set(input, request === null ? problem : `${problem} (${request})`)
}

export function causeBehind({ roster }: ArbiterScope, event: HandleEvent, input: HandleInput): string | null {
  if (event.type === 'child.exited') return event.exit.code === 1 ? (lastWords.get(input) ?? null) : null
  if (event.type !== 'child.silent' && event.type !== 'child.hung') return null
  // What has kept it, as its last beats have it.
  const [longest] = roster.rows().find((row) => row.age === input.age)?.requests ?? []
  return longest === undefined ? null : `${longest.method} ${longest.path}`
}
