/** What can be asked of the server, as buttons. */
import { canChange } from './access.ts'
import { open, type Wish, wishFor } from './dialogs.tsx'
import type { ProcessRow } from './processes.ts'
import { hello, moment, shownProcess, snapshot } from './store.ts'

export const reloadWish: Wish = {
  title: 'Reload',
  text: 'The configuration and the app are read again, and every worker is replaced: the new ones are ready before the old ones drain. No request is lost.',
  verb: 'Reload',
  command: 'reload',
}

export function ServerOrders() {
  if (hello.value === null || hello.value.source === 'file') return null
  const wanted = snapshot.value?.workersWanted ?? 0
  return (
    <div class="orders" role="group" aria-label="Orders to the server">
      <button type="button" id="reload" onClick={() => wishFor(reloadWish)}>
        Reload
      </button>
      <span class="scale" role="group" aria-label="Number of workers">
        <button type="button" aria-label="One worker less" disabled={wanted < 2} onClick={() => wishFor(scaleWish(wanted, -1))}>
          −
        </button>
        <output aria-label="Workers wanted">{wanted}</output>
        <button type="button" aria-label="One worker more" onClick={() => wishFor(scaleWish(wanted, 1))}>
          +
        </button>
      </span>
      {!canChange.value && (
        <button type="button" class="is-quiet" onClick={() => (open.value = { kind: 'token', next: null })}>
          read only: give the token
        </button>
      )}
    </div>
  )
}

function scaleWish(from: number, by: 1 | -1): Wish {
  return {
    title: `${from + by} workers`,
    text: by === 1 ? 'One more is started.' : 'One finishes its requests and goes; no other takes its place.',
    verb: by === 1 ? 'Add one' : 'Remove one',
    command: by === 1 ? 'worker add' : 'worker remove',
  }
}

export function ProcessOrders() {
  const row = shownProcess.value
  if (row === null || row.kind !== 'worker' || moment.value !== null || hello.value?.source === 'file') return null
  return (
    <div class="orders" role="group" aria-label={`Orders for ${row.name}`}>
      {ordersFor(row).map((wish) => (
        <button key={wish.command} type="button" onClick={() => wishFor(wish)}>
          {wish.verb}
        </button>
      ))}
    </div>
  )
}

function ordersFor({ slot, name }: ProcessRow): Wish[] {
  return [
    {
      title: `Restart ${name}`,
      text: 'A new worker of the same generation is started in its place; when it is ready, this one finishes its requests and goes.',
      verb: 'Restart',
      command: `worker restart ${slot}`,
    },
    {
      title: `Drain ${name}`,
      text: 'It takes no more connections, finishes its requests and goes; then another takes its place. Until that is ready there is one worker less.',
      verb: 'Drain',
      command: `drain ${slot}`,
      isGrave: true,
    },
  ]
}
