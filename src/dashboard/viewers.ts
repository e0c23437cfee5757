/**
 * Those who look on: each holds one response open and is told what happens as server-sent events. Nothing is kept for one
 * that reads slowly but its place in the history; one that reads nothing is let go by the door.
 */
import type { ServerResponse } from 'node:http'
import type { ChildAutopsy } from '../ipc/child-autopsy.ts'
import type { Instance } from '../ipc/instances.ts'
import type { Tallies } from '../ipc/messages.ts'
import type { Snapshot } from '../ipc/snapshot.ts'
import type { Recorded } from '../ipc/transition.ts'
import { calmed, changeFrom } from './snapshot-change.ts'
import type { AutopsyReport, Hello, StreamMessages } from './stream-messages.ts'
import { markOf, pointOf, type TrendMark, type TrendPoint, trendPointsMax } from './trend.ts'

/** What there is to be told. Of a file there are steps only. */
export interface Told {
  readonly source: Hello['source']
  readonly name: string
  readonly life: string
  readonly history: {
    readonly lastId: number
    readonly size: number
    since(id: number): readonly Recorded[]
    before(): readonly Instance[]
  }
  readonly now: { snapshot(): Snapshot; tallies(): Tallies } | null
}

export interface Viewers {
  /** @param life and @param afterId of what a page that comes back knows already */
  add(res: ServerResponse, life: string, afterId: number): void
  tellAutopsy(report: ChildAutopsy): void
  readonly count: number
  close(): void
}

interface Viewer {
  readonly res: ServerResponse
  sentId: number
  sentAutopsy: number
  /** False until it has read what it was sent. */
  canTake: boolean
  /** It has the snapshot before this one. */
  isInStep: boolean
  /** Steps to come, of a history that was longer than one piece. */
  ahead: readonly Recorded[]
}

const stepsEveryMs = 80
const snapshotEveryMs = 1_000
const lifeSignEveryMs = 5_000
const pieceSteps = 400
const autopsiesMax = 50
const viewersMax = 32

export function createViewers({ source, name, life, history, now }: Told): Viewers {
  const viewers = new Set<Viewer>()
  const trend: TrendPoint[] = []
  const autopsies: AutopsyReport[] = []
  let mark: TrendMark | null = null
  let shown: Snapshot | null = null

  function send<Kind extends keyof StreamMessages>(viewer: Viewer, kind: Kind, data: StreamMessages[Kind]): void {
    write(viewer, `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  function write(viewer: Viewer, text: string): void {
    viewer.canTake = viewer.res.write(text)
    if (viewer.canTake) return
    viewer.res.once('drain', () => {
      viewer.canTake = true
      tellNews(viewer)
    })
  }

  function tellNews(viewer: Viewer): void {
    for (const report of autopsies) {
      if (!viewer.canTake) return
      if (report.id <= viewer.sentAutopsy) continue
      viewer.sentAutopsy = report.id
      send(viewer, 'autopsy', report)
    }
    tellSteps(viewer)
  }

  function tellSteps(viewer: Viewer): void {
    while (viewer.canTake) {
      if (viewer.ahead.length === 0) {
        if (viewer.sentId >= history.lastId) return
        viewer.ahead = history.since(viewer.sentId)
      }
      const piece = viewer.ahead.slice(0, pieceSteps)
      viewer.ahead = viewer.ahead.slice(pieceSteps)
      viewer.sentId = piece.at(-1)?.id ?? history.lastId
      send(viewer, 'steps', piece)
    }
  }

  function look(): void {
    if (now === null) return
    const seen = now.snapshot()
    const next = calmed(seen)
    const before = shown
    shown = next
    const nextMark = markOf(seen, now.tallies())
    const point = mark === null ? null : pointOf(seen, nextMark, mark)
    mark = nextMark
    if (point !== null) trend.push(point)
    if (trend.length > trendPointsMax) trend.shift()
    if (viewers.size === 0) return
    const change = before === null ? null : `event: snapshot\ndata: ${JSON.stringify(changeFrom(before, next))}\n\n`
    for (const viewer of viewers) tellSnapshot(viewer, change, point)
  }

  function tellSnapshot(viewer: Viewer, change: string | null, point: TrendPoint | null): void {
    if (!viewer.canTake || shown === null) {
      viewer.isInStep = false
      return
    }
    if (viewer.isInStep && change !== null) write(viewer, change)
    else {
      const { workers, dirtyWorkers, at, ...facts } = shown
      send(viewer, 'snapshot', {
        at,
        facts,
        workers: { changed: workers, gone: null },
        dirtyWorkers: { changed: dirtyWorkers, gone: null },
      })
      viewer.isInStep = true
    }
    if (point !== null) send(viewer, 'trend', point)
  }

  const stepsTimer = setInterval(() => {
    for (const viewer of viewers) tellNews(viewer)
  }, stepsEveryMs)
  // Of a file nothing new is told, and the door lets go of what is silent.
  const lifeSignTimer = setInterval(() => {
    for (const viewer of viewers) if (viewer.canTake) write(viewer, ': still here\n\n')
  }, lifeSignEveryMs)
  const snapshotTimer = setInterval(look, snapshotEveryMs)
  look()

  return {
    add(res, knownLife, afterId) {
      if (viewers.size >= viewersMax) {
        res.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '5' }).end('too many look on already\n')
        return
      }
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
      const isBack = knownLife === life && afterId <= history.lastId && afterId >= history.lastId - history.size
      const sentId = isBack ? afterId : history.lastId - history.size
      const viewer: Viewer = { res, sentId, sentAutopsy: autopsies.at(-1)?.id ?? 0, canTake: true, isInStep: true, ahead: [] }
      viewers.add(viewer)
      res.on('close', () => viewers.delete(viewer))
      send(viewer, 'hello', {
        life,
        source,
        name,
        nowAt: Date.now(),
        before: isBack ? [] : history.before(),
        firstId: sentId + 1,
        lastId: history.lastId,
        snapshot: shown,
        trend,
        autopsies,
      })
      tellSteps(viewer)
    },
    tellAutopsy(report) {
      autopsies.push({ id: (autopsies.at(-1)?.id ?? 0) + 1, ...report })
      if (autopsies.length > autopsiesMax) autopsies.shift()
    },
    get count() {
      return viewers.size
    },
    close() {
      clearInterval(stepsTimer)
      clearInterval(snapshotTimer)
      clearInterval(lifeSignTimer)
      for (const { res } of viewers) res.end()
    },
  }
}
