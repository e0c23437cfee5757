/** What the page knows and what it shows of it. */
import { batch, computed, effect, signal } from '@preact/signals'
import type { Snapshot } from '../../ipc/snapshot.ts'
import { applyChange } from '../snapshot-change.ts'
import type { AutopsyReport, Hello, StreamMessages } from '../stream-messages.ts'
import { type TrendPoint, trendPointsMax } from '../trend.ts'
import { token, tryToken } from './access.ts'
import { createPast, type Instance, type Instances, type Recorded } from './past.ts'
import { actorsOf, type ProcessRow, processesOf } from './processes.ts'
import { follow } from './stream.ts'

export type Tab = 'processes' | 'charts' | 'traffic' | 'requests' | 'events' | 'autopsies'

export const past = createPast()
export const hello = signal<Hello | null>(null)
export const link = signal<'connecting' | 'open' | 'lost' | 'refused'>('connecting')
export const snapshot = signal<Snapshot | null>(null)
export const trend = signal<readonly TrendPoint[]>([])
export const autopsies = signal<readonly AutopsyReport[]>([])
/** Rises when steps have come. */
export const stepsCount = signal(0)
/** The moment that is shown; null: now. */
export const moment = signal<number | null>(null)
export const tab = signal<Tab>('charts')
const pickedProcess = signal('arbiter')
/** Of the picked process; null: the first of its charts. */
export const pickedActor = signal<string | null>(null)
/** By the clock of the server. */
export const nowAt = signal(Date.now())

const snapshots: Snapshot[] = []
let clockAheadMs = 0

const shownInstances = computed<Instances>(() => {
  stepsCount.value
  const at = moment.value
  return at === null ? new Map(past.live) : past.at(past.countAt(at))
})

export const shownSnapshot = computed<Snapshot | null>(() => {
  const at = moment.value
  const latest = snapshot.value
  return at === null ? latest : (snapshots.findLast((one) => one.at <= at && at - one.at < 5_000) ?? null)
})

export const shownAt = computed(() => moment.value ?? nowAt.value)

/** How long a process that has ended is still shown. */
const endShownMs = 4_000

const ended = computed<readonly Instance[]>(() => {
  stepsCount.value
  const at = shownAt.value
  const found: Instance[] = []
  // Clocks differ by a little: what has come is not of the future.
  for (
    let index = moment.value === null ? past.steps.length : past.countAt(at);
    index-- > 0 && past.steps[index]!.step.at > at - endShownMs;
  ) {
    const { step } = past.steps[index]!
    if ((step.chart === 'worker-handle' || step.chart === 'sidecar') && step.isOver)
      found.push({ ...step, state: step.to, sinceAt: step.at, ledBy: step, last: step })
  }
  return found
})

export const processes = computed<readonly ProcessRow[]>(() => processesOf(shownInstances.value, ended.value, shownSnapshot.value))

/** When the picked one is gone, the one that has its place. */
export const shownProcess = computed<ProcessRow | null>(() => {
  const rows = processes.value
  return rows.find(({ key }) => key === pickedProcess.value) ?? rows.findLast(({ name }) => name === pickedName) ?? rows[0] ?? null
})

let pickedName = 'arbiter'
effect(() => {
  const row = shownProcess.value
  if (row !== null && row.key === pickedProcess.value) pickedName = row.name
})

export const shownActors = computed<readonly Instance[]>(() => {
  const row = shownProcess.value
  return row === null ? [] : actorsOf(row, shownInstances.value)
})

export const shownActor = computed<Instance | null>(
  () => shownActors.value.find(({ actor }) => actor === pickedActor.value) ?? shownActors.value[0] ?? null,
)

/** Its steps until the shown moment. */
export const shownHistory = computed<readonly Recorded[]>(() => {
  stepsCount.value
  const instance = shownActor.value
  if (instance === null) return []
  const own = past.of(instance.pid, instance.actor)
  const at = moment.value
  return at === null ? own.slice() : own.filter(({ step }) => step.at <= at)
})

export function pick(process: string, actor: string | null = null): void {
  batch(() => {
    pickedProcess.value = process
    pickedActor.value = actor
  })
}

/** To a moment; one at the end of all is now, as long as there is more to come. */
export function goTo(at: number | null): void {
  const isNow = at !== null && at >= nowAt.value && hello.value?.source !== 'file'
  moment.value = isNow ? null : at
}

/** To the next step, or the one before. */
export function stepBy(count: number): void {
  const { steps } = past
  if (steps.length === 0) return
  const here = moment.value === null ? steps.length : past.countAt(moment.value)
  const next = here + count
  if (next > steps.length && hello.value?.source !== 'file') goTo(null)
  else goTo(steps[Math.max(1, Math.min(steps.length, next)) - 1]!.step.at)
}

function hear<Kind extends keyof StreamMessages>(kind: Kind, data: StreamMessages[Kind]): void {
  batch(() => {
    switch (kind) {
      case 'hello':
        greet(data as Hello)
        break
      case 'steps':
        past.add(data as readonly Recorded[])
        noteSteps()
        break
      case 'snapshot':
        keepSnapshot(data as StreamMessages['snapshot'])
        break
      case 'trend':
        trend.value = [...trend.value.slice(-trendPointsMax + 1), data as TrendPoint]
        break
      case 'autopsy':
        autopsies.value = [...autopsies.value, data as AutopsyReport]
        break
    }
  })
}

function greet(data: Hello): void {
  const isOther = hello.value?.life !== data.life
  clockAheadMs = data.nowAt - Date.now()
  hello.value = data
  if (isOther || data.firstId > past.lastId + 1) past.begin(data.before, data.firstId)
  if (isOther) {
    snapshots.length = 0
    if (data.source === 'server') moment.value = null
  }
  snapshot.value = data.snapshot
  trend.value = data.trend
  autopsies.value = data.autopsies
  noteSteps()
}

let isNoteDue = false
/** Thousands may come in pieces: the page is drawn once for those of a frame. */
function noteSteps(): void {
  if (isNoteDue) return
  isNoteDue = true
  const note = () => {
    isNoteDue = false
    tick()
    stepsCount.value++
    // A recording opens at its end.
    if (hello.value?.source === 'file' && moment.value === null && past.lastId >= hello.value.lastId)
      moment.value = past.steps.at(-1)?.step.at ?? null
  }
  if (document.hidden) note()
  else requestAnimationFrame(note)
}

function keepSnapshot(change: StreamMessages['snapshot']): void {
  const before = snapshot.value
  if (before === null && change.workers.gone !== null) return
  const next = applyChange(before ?? ({ workers: [], dirtyWorkers: [] } as unknown as Snapshot), change)
  snapshot.value = next
  snapshots.push(next)
  if (snapshots.length > trendPointsMax) snapshots.shift()
}

function tick(): void {
  nowAt.value = hello.value?.source === 'file' ? (past.steps.at(-1)?.step.at ?? 0) : Date.now() + clockAheadMs
}

export function begin(): void {
  setInterval(tick, 1_000)
  void tryToken()
  void follow(
    {
      known: () => ({ life: hello.value?.life ?? '', lastId: past.lastId }),
      onOpen: () => {
        link.value = 'open'
      },
      onLost: (isRefused) => {
        link.value = isRefused ? 'refused' : 'lost'
      },
      hear,
    },
    () =>
      new Promise((resolve) => {
        const refused = token.value
        const stop = token.subscribe((value) => {
          if (value === null || value === refused) return
          queueMicrotask(() => stop())
          resolve()
        })
      }),
  )
}
