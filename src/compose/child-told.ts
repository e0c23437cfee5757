import { causeOfEnd, describeEnd, type HandleContext } from '../../machines/worker-handle.ts'
import type { ChildNews, ChildTold } from '../ipc/child-news.ts'

const ends: ReadonlySet<string> = new Set(['worker.gone', 'worker.died', 'worker.boot-failed'])
const noExit = { code: null, signal: null }

/** What a note of a child's chart means to those who look from outside; null: nothing. */
export function childTold(role: ChildNews['role'], context: HandleContext, event: string): ChildTold | null {
  const { slot, age, generation, pid } = context
  const child: ChildNews = { role, slot, age, generation, pid: pid ?? 0 }
  if (event === 'worker.ready') return { what: 'ready', child }
  if (!ends.has(event)) return null
  const { code, signal } = context.exit ?? noExit
  return { what: 'ended', child: { ...child, cause: causeOfEnd(context), problem: describeEnd(context), code, signal } }
}
