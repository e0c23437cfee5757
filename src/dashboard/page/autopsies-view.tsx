/** What stuck processes were doing, newest first. */
import type { AutopsyReport } from '../stream-messages.ts'
import { autopsies, goTo, hello, pick, tab } from './store.ts'
import { clockMsOf, durationOf } from './words.ts'

const places: Readonly<Record<AutopsyReport['where'], string>> = {
  javascript: 'in JavaScript',
  native: 'in native code',
  idle: 'its loop turns and waits',
  frozen: 'frozen: no thread of it runs',
}

export function AutopsiesView() {
  const all = autopsies.value.toReversed()
  if (all.length === 0) {
    return (
      <p class="empty">
        {hello.value?.source === 'file'
          ? 'Autopsies stand in the log; a recording holds steps of charts.'
          : 'Nothing was stuck since the start. When a loop blocks or a process is killed for it, this is where its stack is.'}
      </p>
    )
  }
  return (
    <div class="autopsies">
      {all.map((report) => (
        <Report key={report.id} report={report} />
      ))}
    </div>
  )
}

function Report({ report }: { readonly report: AutopsyReport }) {
  const { at, role, slot, age, pid, where, phase, blockedMs, stack, requests, waitChannel, children, isOver } = report
  const name = role === 'dirty-arbiter' ? 'dirty arbiter' : `${role.replace('-', ' ')} ${slot}`
  return (
    <article class="autopsy">
      <header>
        <h3>
          {name} <span class="mono muted">{pid}</span>
        </h3>
        <span class={`chip tone-${isOver ? 'busy' : 'kill'}`}>{isOver ? 'went on' : 'stuck'}</span>
        <span>
          {places[where]}, {phase}, blocked for {durationOf(blockedMs)}
        </span>
        <span class="grow" />
        <button
          type="button"
          onClick={() => {
            pick(`${role} ${age}`)
            goTo(at)
            tab.value = 'charts'
          }}
        >
          {clockMsOf(at)}
        </button>
      </header>
      {requests.length > 0 && (
        <ul class="autopsy-requests">
          {requests.map((request, index) => (
            <li key={index}>
              <b class="mono">{request.method}</b> <span class="mono">{request.path}</span> for {durationOf(request.ageMs)}
            </li>
          ))}
        </ul>
      )}
      {stack.length > 0 && <pre>{stack.join('\n')}</pre>}
      {waitChannel !== null && <p class="muted">the kernel waits in {waitChannel}</p>}
      {children.length > 0 && <p class="muted">its children: {children.join(', ')}</p>}
    </article>
  )
}
