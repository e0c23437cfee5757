/** Asks before anything is changed, and for the token when it is missing. */
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { canChange, command, tryToken } from './access.ts'

export interface Wish {
  readonly title: string
  readonly text: string
  readonly verb: string
  readonly command: string
  readonly isGrave?: boolean
}

type Open =
  | { readonly kind: 'wish'; readonly wish: Wish }
  | { readonly kind: 'token'; readonly next: Wish | null }
  | { readonly kind: 'keys' }

export const open = signal<Open | null>(null)
/** What became of the last wish. */
const outcome = signal<{ readonly ok: boolean; readonly text: string } | null>(null)

/** Opens the question; without the token that is asked for first. */
export function wishFor(wish: Wish): void {
  open.value = canChange.value ? { kind: 'wish', wish } : { kind: 'token', next: wish }
}

const shut = () => {
  open.value = null
}

export function Dialogs() {
  const what = open.value
  return (
    <>
      {what?.kind === 'wish' && <WishDialog wish={what.wish} />}
      {what?.kind === 'token' && <TokenDialog next={what.next} />}
      {what?.kind === 'keys' && <KeysDialog />}
      <div class="outcome" role="status" aria-live="polite">
        {outcome.value !== null && (
          <p class={outcome.value.ok ? 'is-good' : 'is-bad'} id="outcome">
            {outcome.value.text}
            <button type="button" aria-label="Dismiss" onClick={() => (outcome.value = null)}>
              ×
            </button>
          </p>
        )}
      </div>
    </>
  )
}

function Dialog({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => box.current!.showModal(), [])
  return (
    <dialog ref={box} aria-label={label} onClose={shut}>
      {children}
    </dialog>
  )
}

function WishDialog({ wish }: { readonly wish: Wish }) {
  const [isBusy, setBusy] = useState(false)
  const go = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    const answer = await command(wish.command)
    outcome.value = answer.ok
      ? { ok: true, text: answer.text || `${wish.title}: done` }
      : { ok: false, text: `${wish.title}: ${answer.text}` }
    shut()
  }
  return (
    <Dialog label={wish.title}>
      <form onSubmit={go}>
        <h2>{wish.title}</h2>
        <p>{wish.text}</p>
        <p class="muted mono">monocerosctl {wish.command}</p>
        <div class="buttons">
          <button type="button" onClick={shut}>
            Cancel
          </button>
          {/* biome-ignore lint/a11y/noAutofocus: a question that was just asked for */}
          <button type="submit" class={wish.isGrave ? 'is-grave' : 'is-main'} disabled={isBusy} id="confirm" autoFocus>
            {wish.verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function TokenDialog({ next }: { readonly next: Wish | null }) {
  const [problem, setProblem] = useState('')
  const go = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = String(new FormData(event.target as HTMLFormElement).get('token')).trim()
    if (!(await tryToken(given))) setProblem('That is not the token.')
    else open.value = next === null ? null : { kind: 'wish', wish: next }
  }
  return (
    <Dialog label="Token">
      <form onSubmit={go}>
        <h2>Token</h2>
        <p>The log of the arbiter tells it at the start, in the event dashboard.ready. It is kept for as long as this tab is open.</p>
        <input name="token" type="password" autocomplete="off" required aria-label="Token" aria-describedby="token-problem" />
        <p class="is-bad" id="token-problem">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={shut}>
            Cancel
          </button>
          <button type="submit" class="is-main">
            Use it
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const keys = [
  ['↑ ↓  or  k j', 'another process'],
  ['← →', 'one step back or forward in time; with Shift, ten'],
  ['Space', 'hold this moment, or back to live'],
  ['Esc', 'back to live'],
  ['1 … 5', 'charts, traffic, requests, steps, autopsies'],
  ['/', 'filter processes'],
  ['r', 'reload'],
  ['?', 'this list'],
] as const

function KeysDialog() {
  return (
    <Dialog label="Keys">
      <h2>Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" class="is-main" onClick={shut}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
