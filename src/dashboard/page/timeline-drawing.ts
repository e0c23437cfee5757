/** The timeline on its canvas: a row for each place, a stretch for each state. */
import type { Stretch } from './lanes.ts'
import { moment, nowAt, past, shownProcess } from './store.ts'
import { lanesNow, type Range, rangeNow } from './timeline-sight.ts'
import { toneOf } from './tone.ts'
import { clockOf } from './words.ts'

/** Pixels: left of the time, and above the rows. */
export const gutter = 92
const axis = 22
const density = 22
export const head = axis + density + 4

let rowHeightNow = 14

/** The process that was drawn at that height, at that moment or last. */
export function processAt(y: number, at: number): string | null {
  const lane = lanesNow().rows()[Math.floor((y - head) / rowHeightNow)]
  const here = lane?.stretches.findLast(({ fromAt, toAt }) => fromAt <= at && (toAt === null || toAt >= at)) ?? lane?.stretches.at(-1)
  return here?.process ?? null
}

export function draw(canvas: HTMLCanvasElement, scroller: HTMLElement): Range {
  const rows = lanesNow().rows()
  const range = rangeNow()
  const { clientWidth: width, clientHeight: visible } = scroller
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
