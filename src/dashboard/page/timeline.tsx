/** What every process was at, over time. Dragging goes to a moment; the whole page shows that moment then. */
import { effect, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { createLanes, type Lanes, type Stretch } from './lanes.ts'
import { goTo, hello, moment, nowAt, past, pick, shownAt, shownProcess, stepBy, stepsCount } from './store.ts'
import { toneOf } from './tone.ts'
import { clockMsOf, clockOf, durationOf } from './words.ts'

const spans = [
  [60_000, '1 min'],
  [5 * 60_000, '5 min'],
  [30 * 60_000, '30 min'],
  [6 * 3_600_000, '6 h'],
] as const

/** How much is in sight; null: all of it. */
export const spanMs = signal<number | null>(5 * 60_000)
const gutter = 92
const axis = 22
const density = 22

let lanes: Lanes = createLanes()
let lanesOf = ''
let lanesId = 0

/** Steps are carried over once; those of another life begin anew. */
function lanesNow(): Lanes {
  const life = hello.value?.life ?? ''
  const first = past.steps[0]?.id ?? 0
  if (life !== lanesOf) {
    lanes = createLanes()
    lanesOf = life
    lanesId = first - 1
    for (const { ledBy } of hello.value?.before ?? []) lanes.add(ledBy)
  }
  if (past.lastId > lanesId) {
    for (const { id, step } of past.steps.slice(lanesId === first - 1 ? 0 : firstAfter(lanesId))) if (id > lanesId) lanes.add(step)
    lanesId = past.lastId
  }
  return lanes
}

/** New steps stand near the end, a few of them before older ones. */
function firstAfter(id: number): number {
  let place = past.steps.length
  let old = 0
  while (place > 0 && old < 200) if (past.steps[--place]!.id <= id) old++
  return place
}

interface Range {
  readonly fromAt: number
  readonly toAt: number
}

/** Where what is in sight ends; null: it goes along with the present. */
let sightEndAt: number | null = null
let isDragged = false

/** A moment that is out of sight is brought into it, but not while somebody drags towards it. */
function rangeNow(): Range {
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

export function Timeline() {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const range = useRef<Range>({ fromAt: 0, toAt: 1 })

  useEffect(() => {
    let isDue = false
    const redraw = () => {
      if (isDue) return
      isDue = true
      requestAnimationFrame(() => {
        isDue = false
        if (canvas.current !== null && scroller.current !== null) range.current = draw(canvas.current, scroller.current)
      })
    }
    const stop = effect(() => {
      stepsCount.value
      moment.value
      nowAt.value
      spanMs.value
      shownProcess.value
      redraw()
    })
    const watch = new ResizeObserver(redraw)
    watch.observe(scroller.current!)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', redraw)
    document.addEventListener('theme', redraw)
    scroller.current!.addEventListener('scroll', redraw, { passive: true })
    return () => {
      stop()
      watch.disconnect()
      scheme.removeEventListener('change', redraw)
      document.removeEventListener('theme', redraw)
    }
  }, [])

  const momentAt = (event: PointerEvent): number => {
    const box = canvas.current!.getBoundingClientRect()
    const share = Math.max(0, Math.min(1, (event.clientX - box.left - gutter) / (box.width - gutter)))
    return range.current.fromAt + share * (range.current.toAt - range.current.fromAt)
  }
  const onDown = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    pickAt(event.clientY - box.top - axis - density - 4 + scroller.current!.scrollTop, momentAt(event))
    if (event.clientX - box.left < gutter) return
    isDragged = true
    canvas.current!.setPointerCapture(event.pointerId)
    goTo(momentAt(event))
  }
  const onMove = (event: PointerEvent) => {
    if (isDragged) goTo(momentAt(event))
  }
  const onUp = () => {
    isDragged = false
  }
  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    const { fromAt, toAt } = range.current
    spanMs.value = Math.max(2_000, Math.min(24 * 3_600_000, (toAt - fromAt) * (event.deltaY > 0 ? 1.25 : 0.8)))
  }
  const at = shownAt.value
  stepsCount.value
  const rows = lanesNow().rows().length
  return (
    <section class="timeline" aria-label="Timeline" style={{ '--wanted': `${52 + axis + density + rows * 16}px` }}>
      <div class="bar">
        <h2>Timeline</h2>
        <span class="count">{past.steps.length} steps</span>
        <div class="spans" role="group" aria-label="Time in sight">
          {spans.map(([ms, name]) => (
            <button key={ms} type="button" aria-pressed={spanMs.value === ms} onClick={() => (spanMs.value = ms)}>
              {name}
            </button>
          ))}
          <button type="button" aria-pressed={spanMs.value === null} onClick={() => (spanMs.value = null)}>
            all
          </button>
        </div>
        <span class="grow" />
        <div class="moment" role="group" aria-label="Moment">
          <button type="button" aria-label="Step back" title="Step back  ←" onClick={() => stepBy(-1)}>
            ‹
          </button>
          <output class={`at ${moment.value === null ? '' : 'is-past'}`} id="moment">
            {moment.value === null ? clockOf(at) : clockMsOf(at)}
          </output>
          <button type="button" aria-label="Step forward" title="Step forward  →" onClick={() => stepBy(1)}>
            ›
          </button>
          {hello.value?.source !== 'file' && (
            <button
              type="button"
              class={`live ${moment.value === null ? 'is-on' : ''}`}
              aria-pressed={moment.value === null}
              onClick={() => goTo(moment.value === null ? nowAt.value - 1 : null)}
            >
              {moment.value === null ? 'live' : `${durationOf(nowAt.value - at)} ago · back to live`}
            </button>
          )}
        </div>
      </div>
      <div ref={scroller} class="timeline-scroll">
        <canvas
          ref={canvas}
          id="timeline"
          role="slider"
          tabIndex={0}
          aria-label="Moment that is shown"
          aria-valuemin={0}
          aria-valuemax={1000}
          aria-valuenow={Math.round(shareOf(range.current, at) * 1_000)}
          aria-valuetext={moment.value === null ? 'now' : clockMsOf(at)}
          onPointerDown={onDown}
          onPointerMove={onMove}
          onPointerUp={onUp}
          onPointerCancel={onUp}
          onWheel={onWheel}
        />
      </div>
    </section>
  )
}

const shareOf = ({ fromAt, toAt }: Range, at: number) => Math.max(0, Math.min(1, (at - fromAt) / (toAt - fromAt)))

let rowHeightNow = 14

function pickAt(y: number, at: number): void {
  const lane = lanesNow().rows()[Math.floor(y / rowHeightNow)]
  const here = lane?.stretches.findLast(({ fromAt, toAt }) => fromAt <= at && (toAt === null || toAt >= at)) ?? lane?.stretches.at(-1)
  if (here !== undefined) pick(here.process)
}

function draw(canvas: HTMLCanvasElement, scroller: HTMLElement): Range {
  const rows = lanesNow().rows()
  const range = rangeNow()
  const { clientWidth: width, clientHeight: visible } = scroller
  const head = axis + density + 4
  rowHeightNow = Math.max(6, Math.min(18, Math.floor((visible - head) / Math.max(1, rows.length))))
  const height = Math.max(visible, head + rows.length * rowHeightNow)
  const ratio = devicePixelRatio
  // Only what is in sight is drawn: the canvas stays as large as the box, and moves along.
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(visible * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(visible * ratio)
  }
  canvas.style.setProperty('--height', `${visible}px`)
  canvas.style.marginBottom = `${height - visible}px`
  const context = canvas.getContext('2d')!
  const look = getComputedStyle(document.documentElement)
  const colours = new Map<string, string>()
  // Each look-up costs a style: thousands of stretches have a dozen colours.
  const colour = (name: string) => {
    const known = colours.get(name) ?? look.getPropertyValue(`--${name}`).trim()
    colours.set(name, known)
    return known
  }
  const x = (at: number) => gutter + ((at - range.fromAt) / (range.toAt - range.fromAt)) * (width - gutter)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, visible)
  context.font = `11px ${look.getPropertyValue('--sans')}`
  context.textBaseline = 'middle'
  const offset = scroller.scrollTop

  drawAxis(context, range, { x, width, visible, colour })
  context.save()
  context.beginPath()
  context.rect(0, head, width, visible - head)
  context.clip()
  const picked = shownProcess.value?.key
  for (const [index, lane] of rows.entries()) {
    const y = head + index * rowHeightNow - offset
    if (y + rowHeightNow < head || y > visible) continue
    const isPicked = lane.stretches.some(({ process, toAt }) => process === picked && (toAt === null || toAt >= range.fromAt))
    if (isPicked) {
      context.fillStyle = colour('picked')
      context.fillRect(0, y, width, rowHeightNow)
    }
    if (rowHeightNow >= 11 || index % Math.ceil(12 / rowHeightNow) === 0) {
      context.fillStyle = colour(isPicked ? 'text' : 'muted')
      context.fillText(lane.name, 10, y + rowHeightNow / 2, gutter - 14)
    }
    drawStretches(context, lane.stretches, range, { x, y, colour })
  }
  context.restore()

  drawDensity(context, range, { x, width, colour })
  const at = moment.value
  if (at !== null) {
    context.fillStyle = colour('accent')
    context.fillRect(Math.round(x(at)) - 1, 0, 2, visible)
    context.beginPath()
    context.arc(x(at), 6, 5, 0, 7)
    context.fill()
  }
  return range
}

type Colour = (name: string) => string

function drawStretches(
  context: CanvasRenderingContext2D,
  stretches: readonly Stretch[],
  { fromAt, toAt: rangeEnd }: Range,
  { x, y, colour }: { x: (at: number) => number; y: number; colour: Colour },
): void {
  const gap = rowHeightNow >= 10 ? 1.5 : 0.5
  const half = (rowHeightNow - 2 * gap) / 2
  for (let index = stretches.length - 1; index >= 0; index--) {
    const stretch = stretches[index]!
    if (stretch.fromAt > rangeEnd) continue
    const end = stretch.toAt ?? nowAt.value
    if (end < fromAt) {
      // They are in the order of their beginnings; a few lines back none reaches into sight any more.
      if (fromAt - end > 3_600_000) break
      continue
    }
    const left = Math.max(gutter, x(stretch.fromAt))
    const right = Math.max(left + 1.5, x(Math.min(end, rangeEnd)))
    context.fillStyle = colour(toneOf(stretch.state))
    context.fillRect(left, y + gap + stretch.half * half, right - left, half - 0.5)
  }
}

const ticks = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600].map((s) => s * 1_000)

function drawAxis(
  context: CanvasRenderingContext2D,
  { fromAt, toAt }: Range,
  { x, width, visible, colour }: { x: (at: number) => number; width: number; visible: number; colour: Colour },
): void {
  const every = ticks.find((ms) => ((width - gutter) * ms) / (toAt - fromAt) >= 84) ?? ticks.at(-1)!
  const zone = new Date(toAt).getTimezoneOffset() * 60_000
  for (let at = Math.ceil((fromAt - zone) / every) * every + zone; at <= toAt; at += every) {
    context.fillStyle = colour('line')
    context.fillRect(Math.round(x(at)), axis - 6, 1, visible)
    if (x(at) > width - 60) continue
    context.fillStyle = colour('muted')
    context.fillText(clockOf(at), Math.round(x(at)) + 4, axis / 2)
  }
}

/** How many steps were made, in each pixel: where something went on. */
function drawDensity(
  context: CanvasRenderingContext2D,
  { fromAt, toAt }: Range,
  { width, colour }: { x: (at: number) => number; width: number; colour: Colour },
): void {
  const bars = Math.floor((width - gutter) / 3)
  let before = past.countAt(fromAt)
  const counts = Array.from({ length: bars }, (_, bar) => {
    const after = past.countAt(fromAt + ((bar + 1) / bars) * (toAt - fromAt))
    const count = after - before
    before = after
    return count
  })
  const most = Math.max(1, ...counts)
  context.fillStyle = colour('muted')
  context.fillText('steps', 10, axis + density / 2)
  context.fillStyle = colour('accent-soft')
  for (const [bar, count] of counts.entries()) {
    if (count === 0) continue
    const high = 2 + (Math.log1p(count) / Math.log1p(most)) * (density - 6)
    context.fillRect(gutter + bar * 3, axis + density - 2 - high, 2, high)
  }
}
