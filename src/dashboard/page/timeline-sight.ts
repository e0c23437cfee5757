/** What of the time is in sight, and what is to be drawn of it. */
import { signal } from '@preact/signals'
import { createLanes, type Lanes } from './lanes.ts'
import { hello, moment, nowAt, past } from './store.ts'

/** How much is in sight; null: all of it. */
export const spanMs = signal<number | null>(5 * 60_000)

let lanes: Lanes = createLanes()
let lanesOf = ''
let lanesId = 0

/** Steps are carried over once; those of another life begin anew. */
export function lanesNow(): Lanes {
  const life = hello.value?.life ?? ''
  const first = past.steps[0]?.id ?? 0
  if (life !== lanesOf) {
    lanes = createLanes()
    lanesOf = life
    lanesId = first - 1
    for (const { ledBy } of hello.value?.before ?? []) lanes.add(ledBy)
  }
  if (past.lastId > lanesId) {
    for (const { id, step } of past.steps.slice(lanesId === first - 1 ? 0 : past.firstAfter(lanesId))) if (id > lanesId) lanes.add(step)
    lanesId = past.lastId
  }
  return lanes
}

export interface Range {
  readonly fromAt: number
  readonly toAt: number
}

/** Where what is in sight ends; null: it goes along with the present. */
let sightEndAt: number | null = null
let isDragged = false

export const setDragged = (value: boolean): void => {
  isDragged = value
}

/** A moment that is out of sight is brought into it, but not while somebody drags towards it. */
export function rangeNow(): Range {
  const firstAt = past.steps[0]?.step.at ?? nowAt.value
  const end = nowAt.value
  // Of a young server all is shown: what was before it is nothing.
  const whole = Math.max(20_000, (end - firstAt) * 1.04)
  const span = Math.min(whole, spanMs.value ?? whole)
  const at = moment.value
  if (at === null) sightEndAt = null
  else {
    sightEndAt ??= end
    if (!isDragged && (at > sightEndAt || at < sightEndAt - span)) sightEndAt = at + span / 2
    sightEndAt = Math.min(end, sightEndAt)
  }
  const toAt = sightEndAt ?? end
  return { fromAt: toAt - span, toAt }
}
