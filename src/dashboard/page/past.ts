/** All steps that the page knows, and from them the state of every chart at any moment. */
import { applyTransition, type Instance, type Instances, instanceKey } from '../../ipc/instances.ts'
import type { Recorded } from '../../ipc/transition.ts'

interface Checkpoint {
  /** So many steps are in it. */
  readonly count: number
  readonly instances: Instances
}

const checkpointEvery = 1_000
/** Steps that come late belong before others; checkpoints are only made where none is to be expected. */
const settledSteps = 2_000
/** So many steps may stand behind one that came after them. */
const lateMax = 200

export interface Past {
  /** By their time. */
  readonly steps: readonly Recorded[]
  /** As they came: what lives now. */
  readonly live: Instances
  readonly lastId: number
  begin(before: readonly Instance[], firstId: number): void
  add(news: readonly Recorded[]): void
  /** Where those begin that came after the one with this number; a few older ones are among them. */
  firstAfter(id: number): number
  /** How many steps were made until then. */
  countAt(at: number): number
  at(count: number): Instances
  /** The steps of one actor, oldest first. */
  of(pid: number, actor: string): readonly Recorded[]
}

export function createPast(stepsMax = 250_000): Past {
  let steps: Recorded[] = []
  let base: Instances = new Map()
  let live: Instances = new Map()
  let checkpoints: Checkpoint[] = []
  let byActor = new Map<string, Recorded[]>()
  let lastId = 0

  function insert(recorded: Recorded): void {
    const { at } = recorded.step
    let place = steps.length
    while (place > 0 && steps[place - 1]!.step.at > at) place--
    if (place === steps.length) steps.push(recorded)
    else {
      steps.splice(place, 0, recorded)
      while ((checkpoints.at(-1)?.count ?? 0) > place) checkpoints.pop()
    }
  }

  function forgetOldest(): void {
    const old = steps.slice(0, Math.ceil(stepsMax / 10))
    for (const { step } of old) applyTransition(base, step)
    steps = steps.slice(old.length)
    checkpoints = []
    const first = steps[0]?.id ?? 0
    for (const [key, own] of byActor) {
      const kept = own.filter(({ id }) => id >= first)
      if (kept.length > 0) byActor.set(key, kept)
      else byActor.delete(key)
    }
  }

  const countAt = (at: number): number => {
    let [low, high] = [0, steps.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (steps[middle]!.step.at <= at) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get steps() {
      return steps
    },
    get live() {
      return live
    },
    get lastId() {
      return lastId
    },
    begin(before, firstId) {
      base = new Map(before.map((instance) => [instanceKey(instance.pid, instance.actor), instance]))
      live = new Map(base)
      steps = []
      checkpoints = []
      byActor = new Map()
      lastId = firstId - 1
    },
    add(news) {
      for (const recorded of news) {
        if (recorded.id <= lastId) continue
        lastId = recorded.id
        insert(recorded)
        applyTransition(live, recorded.step)
        const key = instanceKey(recorded.step.pid, recorded.step.actor)
        const own = byActor.get(key)
        if (own === undefined) byActor.set(key, [recorded])
        else own.push(recorded)
      }
      if (steps.length > stepsMax) forgetOldest()
    },
    firstAfter(id) {
      let place = steps.length
      let old = 0
      while (place > 0 && old < lateMax) if (steps[--place]!.id <= id) old++
      return place
    },
    countAt,
    at(count) {
      let near = checkpoints.findLast((one) => one.count <= count) ?? { count: 0, instances: base }
      const instances = new Map(near.instances)
      for (let index = near.count; index < count; index++) {
        applyTransition(instances, steps[index]!.step)
        const done = index + 1
        if (
          done % checkpointEvery === 0 &&
          done > near.count &&
          done < steps.length - settledSteps &&
          done > (checkpoints.at(-1)?.count ?? 0)
        ) {
          near = { count: done, instances: new Map(instances) }
          checkpoints.push(near)
        }
      }
      return instances
    },
    of: (pid, actor) => byActor.get(instanceKey(pid, actor)) ?? [],
  }
}

export type { Instance, Instances, Recorded }
