/** The processes, the arbiter first: state, memory, load, requests. */
import { signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { WorkerView } from '../../ipc/snapshot.ts'
import type { ProcessRow } from './processes.ts'
import { StateChip } from './state-chip.tsx'
import { pick, processes, shownProcess, tab } from './store.ts'
import { VirtualList } from './virtual-list.tsx'
import { bytesOf } from './words.ts'

const filter = signal('')

const rowHeight = 34

export function ProcessTree() {
  const input = useRef<HTMLInputElement>(null)
  const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const rows = processes.value.filter(({ name, pid, state }) =>
    words.every((word) => `${name} ${pid} ${state}`.toLowerCase().includes(word)),
  )
  const picked = shownProcess.value?.key ?? ''
  const index = rows.findIndex(({ key }) => key === picked)
  const go = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))]
    if (row !== undefined) pick(row.key)
  }
  const onKey = (event: KeyboardEvent) => {
    const to = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      j: index + 1,
      k: index - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: index + 10,
      PageUp: index - 10,
    }[event.key]
    if (event.key === 'Enter') tab.value = 'charts'
    else if (to === undefined) return
    else go(to)
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <section class="processes" aria-label="Processes">
      <div class="bar">
        <h2>Processes</h2>
        <span class="count">{processes.value.filter(({ state }) => state !== 'gone').length}</span>
        <input
          ref={input}
          id="filter"
          type="search"
          placeholder="Filter  /"
          aria-label="Filter processes by name, pid or state"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value
          }}
        />
      </div>
      <VirtualList
        rows={rows}
        rowHeight={rowHeight}
        keyOf={({ key }) => key}
        label="Processes"
        role="tree"
        {...(index === -1 ? {} : { activeId: idOf(picked), shownIndex: index })}
        onKey={onKey}
        draw={(row) => <Row row={row} isPicked={row.key === picked} />}
      />
      {rows.length === 0 && <p class="empty">{processes.value.length === 0 ? 'No process is known at this moment.' : 'None matches.'}</p>}
    </section>
  )
}

const idOf = (key: string) => `process-${key.replace(' ', '-')}`

function Row({ row, isPicked }: { readonly row: ProcessRow; readonly isPicked: boolean }) {
  const { figures } = row
  const inFlight = (figures as WorkerView | null)?.counters?.active
  const isInner = row.kind !== 'arbiter'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keyboard
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus
    <div
      id={idOf(row.key)}
      role="treeitem"
      aria-level={row.kind === 'dirty-worker' ? 3 : isInner ? 2 : 1}
      aria-selected={isPicked}
      class={`process level-${row.kind === 'dirty-worker' ? 3 : isInner ? 2 : 1}`}
      data-key={row.key}
      data-pid={row.pid}
      data-state={row.state}
      onClick={() => {
        pick(row.key)
        // On a phone the list is a view of its own.
        if (tab.value === 'processes') tab.value = 'charts'
      }}
    >
      <span class="process-name">{row.name}</span>
      <span class="process-pid">{row.pid ?? ''}</span>
      <StateChip path={row.state} isShort />
      <span class="process-load">
        {figures !== null && (
          <>
            <span class="meter" title={`event loop busy ${Math.round(figures.utilization * 100)} %`}>
              <span
                class={`meter-fill ${figures.utilization > 0.9 ? 'is-high' : ''}`}
                style={{ width: `${Math.min(100, figures.utilization * 100)}%` }}
              />
            </span>
            <span class="process-memory">{bytesOf(figures.memoryBytes)}</span>
          </>
        )}
      </span>
      <span class="process-flight">{inFlight ? `${inFlight}⇄` : ''}</span>
    </div>
  )
}
