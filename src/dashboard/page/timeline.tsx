/** What every process was at, over time. Dragging goes to a moment; the whole page shows that moment then. */
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { goTo, hello, moment, nowAt, past, pick, shownAt, shownProcess, stepBy, stepsCount } from './store.ts'
import { draw, gutter, head, processAt } from './timeline-drawing.ts'
import { lanesNow, type Range, setDragged, spanMs } from './timeline-sight.ts'
import { clockMsOf, clockOf, durationOf } from './words.ts'

const spans = [
  [60_000, '1 min'],
  [5 * 60_000, '5 min'],
  [30 * 60_000, '30 min'],
  [6 * 3_600_000, '6 h'],
] as const

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
    document.addEventListener('theme', redraw)
    scroller.current!.addEventListener('scroll', redraw, { passive: true })
    return () => {
      stop()
      watch.disconnect()
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
    const process = processAt(event.clientY - box.top + scroller.current!.scrollTop, momentAt(event))
    if (process !== null) pick(process)
    if (event.clientX - box.left < gutter) return
    setDragged(true)
    canvas.current!.setPointerCapture(event.pointerId)
    goTo(momentAt(event))
  }
  const onMove = (event: PointerEvent) => {
    if (canvas.current!.hasPointerCapture(event.pointerId)) goTo(momentAt(event))
  }
  const onUp = () => {
    setDragged(false)
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
    <section class="timeline" aria-label="Timeline" style={{ '--wanted': `${48 + head + rows * 16}px` }}>
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
