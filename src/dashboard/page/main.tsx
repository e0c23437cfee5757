import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './page.css'
import { AutopsiesView } from './autopsies-view.tsx'
import { ChartView } from './chart-view.tsx'
import { Dialogs, open } from './dialogs.tsx'
import { EventsView } from './events-view.tsx'
import { hearKeys } from './keys.ts'
import { ProcessOrders, ServerOrders } from './orders.tsx'
import { ProcessTree } from './process-tree.tsx'
import { RequestsView } from './requests-view.tsx'
import { StateChip } from './state-chip.tsx'
import { autopsies, begin, hello, link, nowAt, processes, shownProcess, shownSnapshot, type Tab, tab, trend } from './store.ts'
import { changeTheme } from './theme.ts'
import { Timeline } from './timeline.tsx'
import { TrafficView } from './traffic-view.tsx'
import { durationOf, numberOf } from './words.ts'

const tabs: readonly (readonly [Tab, string])[] = [
  ['processes', 'Processes'],
  ['charts', 'Charts'],
  ['traffic', 'Traffic'],
  ['requests', 'Requests'],
  ['events', 'Steps'],
  ['autopsies', 'Autopsies'],
]

function Page() {
  return (
    <>
      <Header />
      <main class={`show-${tab.value}`}>
        <ProcessTree />
        <section class="detail" aria-label="Detail">
          <Tabs />
          <div class="panel" role="tabpanel" id="panel" aria-labelledby={`tab-${tab.value}`}>
            <Panel />
          </div>
        </section>
        <Dialogs />
      </main>
      <Timeline />
    </>
  )
}

function Header() {
  const seen = shownSnapshot.value
  const arbiter = processes.value.find(({ kind }) => kind === 'arbiter')
  const latest = trend.value.at(-1)
  return (
    <header class="head">
      <h1>
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <path class="horn" d="M25 2 9 25l6 5z" />
          <path class="rings" d="m19 10.500 4.300 1.900M15.600 15.500l5.200 2.700M12.400 20l5.600 3.500" />
        </svg>
        {hello.value?.name ?? 'monoceros'}
      </h1>
      {arbiter !== undefined && <StateChip path={arbiter.state} />}
      <Link />
      <dl class="facts">
        {seen !== null && (
          <>
            <Fact name="workers" value={`${seen.workers.filter(({ state }) => state === 'ready').length} of ${seen.workersWanted}`} />
            <Fact name="generation" value={String(seen.generation)} />
            {latest !== undefined && <Fact name="answers/s" value={numberOf(latest.answers)} />}
            <Fact name="up" value={durationOf(Math.max(0, nowAt.value - seen.startedAt))} />
            <Fact name="node" value={seen.node} />
            <Fact name="monoceros" value={seen.version} />
          </>
        )}
      </dl>
      <span class="grow" />
      <ServerOrders />
      <button type="button" class="is-quiet" aria-label="Dark or light" title="Dark or light" onClick={changeTheme}>
        ◐
      </button>
      <button type="button" class="is-quiet" aria-label="Keys" title="Keys  ?" onClick={() => (open.value = { kind: 'keys' })}>
        ?
      </button>
    </header>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Link() {
  if (hello.value?.source === 'file') return <span class="link is-file">recording</span>
  const words = {
    connecting: 'connecting',
    open: 'connected',
    lost: 'no connection: trying again',
    refused: 'the token is needed to read here',
  }
  return (
    <span class={`link is-${link.value}`} role="status">
      {words[link.value]}
      {link.value === 'refused' && (
        <button type="button" onClick={() => (open.value = { kind: 'token', next: null })}>
          give it
        </button>
      )}
    </span>
  )
}

function Tabs() {
  const row = shownProcess.value
  return (
    <div class="bar tabs-bar">
      <div class="tabs" role="tablist" aria-label="Views">
        {tabs.map(([name, label]) => (
          <button
            key={name}
            id={`tab-${name}`}
            class={`tab tab-${name}`}
            type="button"
            role="tab"
            aria-selected={tab.value === name}
            aria-controls="panel"
            onClick={() => (tab.value = name)}
          >
            {label}
            {name === 'autopsies' && autopsies.value.length > 0 && <span class="count">{autopsies.value.length}</span>}
          </button>
        ))}
      </div>
      <span class="grow" />
      {row !== null && tab.value === 'charts' && (
        <span class="who">
          <b>{row.name}</b> {row.pid !== null && <span class="mono muted">pid {row.pid}</span>}
          {row.age !== null && <span class="muted"> age {row.age}</span>}
          {row.generation !== null && <span class="muted"> generation {row.generation}</span>}
        </span>
      )}
      {tab.value === 'charts' && <ProcessOrders />}
    </div>
  )
}

function Panel() {
  switch (tab.value) {
    case 'processes':
    case 'charts':
      return <ChartView />
    case 'traffic':
      return <TrafficView />
    case 'requests':
      return <RequestsView />
    case 'events':
      return <EventsView />
    case 'autopsies':
      return <AutopsiesView />
  }
}

render(<Page />, document.getElementById('page')!)
hearKeys()
begin()
