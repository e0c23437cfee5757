import type { Transition } from './transition.ts'

/** A chart that lives in some process: what it is at, for how long, and what led there. */
export interface Instance {
  readonly pid: number
  readonly role: Transition['role']
  readonly slot: number | null
  readonly age: number | null
  readonly chart: string
  readonly actor: string
  readonly state: string
  /** Milliseconds since the epoch. */
  readonly sinceAt: number
  /** The step that led to this state. */
  readonly ledBy: Transition
  /** The last step, which may have left the state as it was. */
  readonly last: Transition
}

export type Instances = Map<string, Instance>

export const instanceKey = (pid: number, actor: string): string => `${pid} ${actor}`

/**
 * Carries one step over into what is known of all instances. Instances of a process go with it, even if it could not say
 * so: the step by which its parent sees it reaped names its pid in the fact `childPid`.
 */
export function applyTransition(instances: Instances, step: Transition): void {
  const key = instanceKey(step.pid, step.actor)
  const known = instances.get(key)
  if (step.isOver) instances.delete(key)
  else {
    const isSame = known !== undefined && step.from !== null && known.state === step.to
    const { pid, role, slot, age, chart, actor, at } = step
    const since = isSame ? { sinceAt: known.sinceAt, ledBy: known.ledBy } : { sinceAt: at, ledBy: step }
    instances.set(key, { pid, role, slot, age, chart, actor, state: step.to, ...since, last: step })
  }
  if (step.isOver && step.chart === 'worker-handle') forgetProcess(instances, step.facts['childPid'])
}

function forgetProcess(instances: Instances, pid: unknown): void {
  let wasDirtyArbiter = false
  for (const [key, instance] of instances) {
    if (instance.pid !== pid) continue
    wasDirtyArbiter ||= instance.role === 'dirty-arbiter'
    instances.delete(key)
  }
  // Its workers speak through it: of what is left of them nothing more is heard.
  if (!wasDirtyArbiter) return
  for (const [key, { role }] of instances) if (role === 'dirty-worker') instances.delete(key)
}
