/** What is under way at the shown moment: requests, threads, calls of dirty apps. */
import { hello, shownSnapshot } from './store.ts'
import { VirtualList } from './virtual-list.tsx'
import { bytesOf, durationOf, percentOf } from './words.ts'

export function RequestsView() {
  const seen = shownSnapshot.value
  if (seen === null) {
    return (
      <p class="empty">
        {hello.value?.source === 'file'
          ? 'A recording holds steps of charts, no requests.'
          : 'Nothing is known of requests at this moment.'}
      </p>
    )
  }
  const requests = seen.workers
    .flatMap((worker) => worker.requests.map((request) => ({ ...request, slot: worker.slot, pid: worker.pid })))
    .sort((one, other) => other.ageMs - one.ageMs)
  const threads = seen.workers.flatMap((worker) => worker.threads.map((thread) => ({ ...thread, slot: worker.slot, pid: worker.pid })))
  return (
    <div class="requests">
      <h3>
        Requests in flight <span class="count">{seen.totals.active}</span>
      </h3>
      <p class="muted">With method and path those that have been under way for a while.</p>
      <VirtualList
        rows={requests}
        rowHeight={26}
        keyOf={(_, index) => index}
        label="Requests in flight, longest first"
        class="request-list"
        draw={({ method, path, ageMs, slot, pid }) => (
          <div class="request">
            <b class="mono">{method}</b>
            <span class="path mono">{path}</span>
            <span class="muted">worker {slot}</span>
            <span class="mono muted">{pid}</span>
            <span class="number">{durationOf(ageMs)}</span>
          </div>
        )}
      />
      {threads.length > 0 && (
        <table>
          <caption>Threads</caption>
          <thead>
            <tr>
              <th scope="col">worker</th>
              <th scope="col">thread</th>
              <th scope="col">is</th>
              <th scope="col" class="number">
                handled
              </th>
              <th scope="col" class="number">
                busy
              </th>
              <th scope="col" class="number">
                heap
              </th>
            </tr>
          </thead>
          <tbody>
            {threads.slice(0, 400).map((thread) => (
              <tr key={`${thread.pid} ${thread.thread}`}>
                <td>{thread.slot}</td>
                <td>{thread.thread}</td>
                <td>{thread.isLeaving ? 'leaving' : thread.inFlight > 0 ? `at work on ${thread.inFlight}` : 'free'}</td>
                <td class="number">{thread.handled}</td>
                <td class="number">{percentOf(thread.utilization)}</td>
                <td class="number">{bytesOf(thread.heapBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {seen.dirtyApps.length > 0 && (
        <table>
          <caption>Dirty apps</caption>
          <thead>
            <tr>
              <th scope="col">app</th>
              <th scope="col" class="number">
                waiting
              </th>
              <th scope="col" class="number">
                under way
              </th>
              <th scope="col" class="number">
                places
              </th>
              <th scope="col">workers</th>
            </tr>
          </thead>
          <tbody>
            {seen.dirtyApps.map((app) => (
              <tr key={app.app}>
                <td>{app.app}</td>
                <td class="number">{app.queued}</td>
                <td class="number">{app.leased}</td>
                <td class="number">{app.capacity}</td>
                <td class="mono muted">{app.workerPids.join(' ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}
