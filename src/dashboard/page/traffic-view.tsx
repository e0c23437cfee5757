/** Figures over time. */
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { TrendPoint } from '../trend.ts'
import { goTo, hello, moment, trend } from './store.ts'
import { bytesOf, clockOf, durationOf, numberOf, percentOf } from './words.ts'

interface Line {
  readonly name: string
  readonly tone: string
  readonly value: (point: TrendPoint) => number | null
}

interface Plot {
  readonly title: string
  readonly say: (value: number) => string
  readonly lines: readonly Line[]
  /** How far its scale reaches at least. */
  readonly least: number
  /** Between the lines of the grid. */
  readonly steps?: readonly number[]
  readonly isWanted?: (points: readonly TrendPoint[]) => boolean
}

const mebibytes = [10, 20, 50, 100, 200, 500, 1_024, 2_048, 4_096, 8_192, 16_384, 65_536].map((mib) => mib * 2 ** 20)

const plots: readonly Plot[] = [
  {
    title: 'Answers a second',
    least: 10,
    say: numberOf,
    lines: [
      { name: 'all', tone: 'accent', value: ({ answers }) => answers },
      { name: '5xx', tone: 'kill', value: ({ errors }) => errors },
    ],
  },
  {
    title: 'Time of a request',
    least: 10,
    say: durationOf,
    lines: [
      { name: 'half are below', tone: 'accent', value: ({ p50Ms }) => p50Ms },
      { name: '99 % are below', tone: 'leave', value: ({ p99Ms }) => p99Ms },
    ],
  },
  {
    title: 'In flight',
    least: 5,
    say: numberOf,
    lines: [
      { name: 'requests', tone: 'accent', value: ({ inFlight }) => inFlight },
      { name: 'connections', tone: 'boot', value: ({ connections }) => connections },
    ],
  },
  {
    title: 'Event-loop utilisation',
    least: 1,
    say: percentOf,
    lines: [
      { name: 'mean', tone: 'accent', value: ({ utilization }) => utilization },
      { name: 'busiest', tone: 'leave', value: ({ utilizationMax }) => utilizationMax },
    ],
  },
  { title: 'Event-loop lag', least: 100, say: durationOf, lines: [{ name: 'worst', tone: 'leave', value: ({ lagMs }) => lagMs }] },
  {
    title: 'Memory of all processes',
    least: 100 * 2 ** 20,
    say: bytesOf,
    steps: mebibytes,
    lines: [{ name: 'resident', tone: 'accent', value: ({ memoryBytes }) => memoryBytes }],
  },
  {
    title: 'Threads',
    least: 4,
    say: numberOf,
    lines: [
      { name: 'at work', tone: 'accent', value: ({ threadsBusy }) => threadsBusy },
      { name: 'there', tone: 'boot', value: ({ threads }) => threads },
    ],
    isWanted: (points) => points.some(({ threads }) => threads > 0),
  },
  {
    title: 'Calls of dirty apps',
    least: 4,
    say: numberOf,
    lines: [
      { name: 'under way', tone: 'accent', value: ({ leased }) => leased },
      { name: 'waiting', tone: 'leave', value: ({ queued }) => queued },
    ],
    isWanted: (points) => points.some(({ leased, queued }) => leased + queued > 0),
  },
]

export function TrafficView() {
  if (hello.value?.source === 'file') return <p class="empty">A recording holds steps of charts, no figures.</p>
  const points = trend.value
  if (points.length < 2) return <p class="empty">The first figures come in a moment.</p>
  return (
    <div class="plots">
      {plots
        .filter(({ isWanted }) => isWanted === undefined || isWanted(points))
        .map((plot) => (
          <PlotView key={plot.title} plot={plot} />
        ))}
    </div>
  )
}

function PlotView({ plot }: { readonly plot: Plot }) {
  const box = useRef<HTMLDivElement>(null)
  const at = moment.value
  const shown = (at === null ? undefined : trend.value.findLast((point) => point.at <= at)) ?? trend.value.at(-1)

  useEffect(() => {
    let chart: uPlot | null = null
    const make = () => {
      chart?.destroy()
      chart = new uPlot(optionsOf(plot, box.current!.clientWidth), dataOf(plot), box.current!)
    }
    make()
    const stop = effect(() => {
      moment.value
      trend.value
      chart?.setData(dataOf(plot))
    })
    const watch = new ResizeObserver(([entry]) => chart?.setSize({ width: entry!.contentRect.width, height: plotHeight }))
    watch.observe(box.current!)
    document.addEventListener('theme', make)
    return () => {
      stop()
      watch.disconnect()
      document.removeEventListener('theme', make)
      chart?.destroy()
    }
  }, [plot])

  return (
    <figure class="plot">
      <figcaption>
        <h3>{plot.title}</h3>
        {plot.lines.map((line) => {
          const value = shown === undefined ? null : line.value(shown)
          return (
            <span key={line.name} class="legend">
              <span class={`swatch tone-${line.tone}`} aria-hidden="true" />
              {line.name} <b>{value === null ? '–' : plot.say(value)}</b>
            </span>
          )
        })}
      </figcaption>
      <div ref={box} class="plot-box" />
    </figure>
  )
}

const plotHeight = 130

function dataOf({ lines }: Plot): uPlot.AlignedData {
  const points = trend.value
  return [points.map(({ at }) => at / 1_000), ...lines.map(({ value }) => points.map(value))]
}

function optionsOf({ lines, say, steps, least }: Plot, width: number): uPlot.Options {
  const look = getComputedStyle(document.documentElement)
  const colour = (name: string) => look.getPropertyValue(`--${name}`).trim()
  const font = `11px ${look.getPropertyValue('--sans')}`
  const axis = { stroke: colour('muted'), font, grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  return {
    width,
    height: plotHeight,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'traffic' }, points: { size: 5 } },
    scales: { x: { time: true }, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max((max ?? 0) * 1.12, least)] } },
    axes: [
      { ...axis, size: 26, gap: 4, space: 80, values: (_, seconds) => seconds.map((s) => clockOf(s * 1_000)) },
      {
        ...axis,
        size: 58,
        gap: 4,
        space: 28,
        values: (_, values) => values.map((value) => (value === 0 ? '0' : say(value))),
        ...(steps === undefined ? {} : { incrs: [...steps] }),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, tone }, index) => ({
        label: name,
        stroke: colour(tone),
        width: 1.5,
        points: { show: false },
        ...(index === 0 ? { fill: `${colour(tone)}1f` } : {}),
      })),
    ],
    hooks: {
      draw: [
        (plot) => {
          const at = moment.value
          if (at === null) return
          const x = plot.valToPos(at / 1_000, 'x', true)
          plot.ctx.fillStyle = colour('accent')
          plot.ctx.fillRect(x, plot.bbox.top, 2 * devicePixelRatio, plot.bbox.height)
        },
      ],
      ready: [
        (plot) =>
          plot.over.addEventListener('click', () => {
            const { left } = plot.cursor
            if (left !== undefined && left >= 0) goTo(plot.posToVal(left, 'x') * 1_000)
          }),
      ],
    },
  }
}
