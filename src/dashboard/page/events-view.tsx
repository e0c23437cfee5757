/** Every step of every chart of every process, newest first. */
import { signal } from '@preact/signals'
import type { Recorded } from '../../ipc/transition.ts'
import { kindOf } from './processes.ts'
import { goTo, hello, moment, past, pick, stepsCount, tab } from './store.ts'
import { toneOf } from './tone.ts'
import { VirtualList } from './virtual-list.tsx'
import { clockMsOf, dayOf } from './words.ts'

const filter = signal('')

/** Of a hundred thousand steps only those that have come since are looked at. */
const found = { life: '', words: '', lastId: 0, rows: [] as Recorded[] }

function matching(words: readonly string[]): readonly Recorded[] {
  const life = hello.value?.life ?? ''
  if (found.life !== life || found.words !== words.join(' ')) Object.assign(found, { life, words: words.join(' '), lastId: 0, rows: [] })
  if (words.length === 0) return past.steps
  if (found.lastId < past.lastId) {
    const first = found.lastId === 0 ? 0 : past.firstAfter(found.lastId)
    for (const recorded of past.steps.slice(first)) {
      if (recorded.id > found.lastId && matches(recorded, words)) found.rows.push(recorded)
    }
    found.lastId = past.lastId
  }
  return found.rows
}

function matches({ step }: Recorded, words: readonly string[]): boolean {
  const text = `${step.actor} ${step.event} ${step.to} ${step.from ?? ''} ${step.pid} ${step.cause ?? ''}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

export function EventsView() {
  stepsCount.value
  const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const at = moment.value
  const all = matching(words)
  const rows = (at === null ? all.slice() : all.filter(({ step }) => step.at <= at)).reverse()
  return (
    <div class="events">
      <div class="bar">
        <input
          type="search"
          placeholder="Filter by actor, event, state, pid, cause"
          aria-label="Filter steps by actor, event, state, pid or cause"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value
          }}
        />
        <span class="count" id="events-count">
          {rows.length}
        </span>
      </div>
      <VirtualList
        rows={rows}
        rowHeight={28}
        keyOf={({ id }) => id}
        label="Steps, newest first"
        draw={(recorded) => <Line recorded={recorded} />}
      />
      {rows.length === 0 && <p class="empty">No step {words.length > 0 ? 'matches' : 'was recorded until then'}.</p>}
    </div>
  )
}

function Line({ recorded: { step } }: { readonly recorded: Recorded }) {
  const open = () => {
    const { age } = step.facts
    const process =
      step.chart === 'worker-handle' ? `${kindOf(step)} ${age}` : step.role === 'arbiter' ? 'arbiter' : `${step.role} ${step.age}`
    pick(process, step.actor)
    goTo(step.at)
    tab.value = 'charts'
  }
  return (
    <button type="button" class="line" onClick={open} title={`${dayOf(step.at)}: show this moment`}>
      <span class="line-time">{clockMsOf(step.at)}</span>
      <span class="line-actor">{step.actor}</span>
      <span class="line-pid">{step.pid}</span>
      <span class="line-event">{step.event}</span>
      <span class="line-state">
        <span class={`dot tone-${toneOf(step.to)}`} aria-hidden="true" />
        {step.from === step.to || step.from === null ? step.to : `${step.from} → ${step.to}`}
      </span>
      <span class="line-cause">{step.cause ?? ''}</span>
    </button>
  )
}
