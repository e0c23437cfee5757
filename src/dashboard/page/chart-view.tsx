/** The chart of the picked actor with its state lit, what led there, and all that it did before. */
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Recorded } from '../../ipc/transition.ts'
import { arrowOf, drawingOf, eventSentenceOf, sentenceOf, withOuter } from './charts.ts'
import type { Instance } from './past.ts'
import { StateChip } from './state-chip.tsx'
import { goTo, moment, pickedActor, shownActor, shownActors, shownAt, shownHistory, shownProcess } from './store.ts'
import { toneOf } from './tone.ts'
import { VirtualList } from './virtual-list.tsx'
import { clockMsOf, durationOf } from './words.ts'

export function ChartView() {
  const instance = shownActor.value
  const row = shownProcess.value
  if (instance === null || row === null) return <p class="empty">Nothing was recorded at this moment.</p>
  return (
    <div class="chart-view">
      <div class="actors" role="tablist" aria-label={`Charts of ${row.name}`}>
        {shownActors.value.map((actor) => (
          <button
            key={`${actor.pid} ${actor.actor}`}
            type="button"
            role="tab"
            aria-selected={actor === instance}
            class="actor"
            onClick={() => {
              pickedActor.value = actor.actor
            }}
          >
            <span class={`dot tone-${toneOf(actor.state)}`} aria-hidden="true" />
            {labelOf(actor)}
          </button>
        ))}
      </div>
      <div class="chart-and-history">
        <Drawing instance={instance} />
        <div class="beside">
          <Now instance={instance} />
          <History instance={instance} />
        </div>
      </div>
    </div>
  )
}

/** The same chart stands for a process in the arbiter and lives in the process: they are told apart. */
function labelOf({ chart, actor }: Instance): string {
  return chart === 'worker-handle' ? 'seen from outside' : actor
}

function Drawing({ instance }: { readonly instance: Instance }) {
  const box = useRef<HTMLDivElement>(null)
  const { chart, state, last, pid, actor } = instance
  useLayoutEffect(() => {
    const svg = drawingOf(chart)
    box.current!.replaceChildren(...(svg === null ? [] : [svg]))
    if (svg === null) return
    svg.setAttribute('role', 'img')
    // A chart of three states is not blown up to the size of one of thirty.
    svg.style.maxHeight = `min(100%, ${svg.viewBox.baseVal.height * 1.6}px)`
  }, [chart])
  useLayoutEffect(() => {
    const svg = box.current!.querySelector('svg')
    if (svg === null) return
    svg.setAttribute('aria-label', `Chart ${chart}, in state ${state}`)
    for (const lit of svg.querySelectorAll('.lit, .taken, .left')) lit.classList.remove('lit', 'taken', 'left', ...tones)
    const find = (id: string) => svg.querySelector(`[id="${CSS.escape(id)}"]`) ?? null
    for (const path of withOuter(state)) find(`state:${path}`)?.classList.add('lit', `tone-${toneOf(state)}`)
    const arrow = arrowOf(chart, last)
    if (arrow === null) return
    find(arrow)?.classList.add('taken')
  }, [chart, state, last, pid, actor])
  return <div ref={box} class="drawing" />
}

const tones = ['boot', 'good', 'busy', 'leave', 'kill', 'end', 'calm'].map((tone) => `tone-${tone}`)

function Now({ instance }: { readonly instance: Instance }) {
  const { chart, state, sinceAt, ledBy } = instance
  return (
    <div class="now">
      <div class="now-state">
        <StateChip path={state} />
        <span class="now-since">for {durationOf(Math.max(0, shownAt.value - sinceAt))}</span>
      </div>
      <p class="sentence">{sentenceOf(chart, state)}</p>
      <p class="led">
        <span class="label">led by</span> <b>{ledBy.event}</b> <span class="muted">{eventSentenceOf(chart, ledBy.event)}</span>
      </p>
      {ledBy.cause !== null && (
        <p class="led">
          <span class="label">because</span> {ledBy.cause}
        </p>
      )}
    </div>
  )
}

function History({ instance }: { readonly instance: Instance }) {
  const rows = shownHistory.value
  const newestFirst = rows.toReversed()
  return (
    <div class="history">
      <h3>
        History <span class="count">{rows.length}</span>
      </h3>
      <VirtualList
        rows={newestFirst}
        rowHeight={40}
        keyOf={({ id }) => id}
        label={`History of ${instance.actor}`}
        draw={(recorded) => <Step recorded={recorded} />}
      />
    </div>
  )
}

function Step({ recorded: { step } }: { readonly recorded: Recorded }) {
  return (
    <button
      type="button"
      class={`step ${moment.value === step.at ? 'is-here' : ''}`}
      onClick={() => goTo(step.at)}
      title={step.cause ?? eventSentenceOf(step.chart, step.event)}
    >
      <span class="step-time">{clockMsOf(step.at)}</span>
      <span class="step-event">{step.event}</span>
      <span class="step-states">
        <span class={`dot tone-${toneOf(step.to)}`} aria-hidden="true" />
        {step.from === null || step.from === step.to ? step.to : `${step.from} → ${step.to}`}
      </span>
      <span class="step-cause">{step.cause ?? ''}</span>
    </button>
  )
}
