/** Judges each request that did not get its answer: was it held by the very process or thread that died? */
import type { Books, Holder } from './books.ts'
import type { LoadResult, Loss } from './protocol.ts'

/** What an event permits. Nothing dies in most events, and then nothing may be lost. */
export interface Permit {
  /** Processes that were killed, and when. */
  readonly victims: ReadonlyMap<number, number>
  /** Requests that were the death of the thread that had them, and when. Of a thread only what it was executing is lost. */
  readonly deadly?: ReadonlyMap<string, number>
  /** When the whole service was told to end, or its arbiter was killed: then later connections may be refused. */
  readonly endsAtMs: number | null
}

export type Judgement = 'lost' | 'in-hands' | 'refused'

export interface JudgedLoss extends Loss {
  readonly judgement: Judgement
  readonly holder: Holder | null
}

export interface Verdict {
  readonly requests: number
  readonly ok: number
  readonly inHands: number
  readonly refused: number
  readonly lost: number
  readonly losses: readonly JudgedLoss[]
}

/** A kill is seen by the client of a connection that nobody had noted yet within this time. */
const seenWithinMs = 1_000
/** Two processes read the same clock at slightly different moments. */
const clockSlackMs = 50

export function judge(result: LoadResult, books: Books, permit: Permit): Verdict {
  const losses = result.losses.map((loss): JudgedLoss => {
    const holder = holderOf(loss, books)
    return { ...loss, holder, judgement: diedWithThread(loss, books, permit) ? 'in-hands' : judgeLoss(loss, holder, permit) }
  })
  const count = (judgement: Judgement) => losses.filter((loss) => loss.judgement === judgement).length
  return {
    requests: result.requests,
    ok: result.ok,
    inHands: count('in-hands'),
    refused: count('refused'),
    lost: count('lost'),
    losses,
  }
}

function holderOf(loss: Loss, books: Books): Holder | null {
  const reader = books.readerOf(loss.id)
  if (reader !== null) return reader
  if (loss.localPort === null || loss.openedAtMs === null) return null
  return books.accepterOf(loss.localPort, loss.openedAtMs, loss.lostAtMs) ?? loss.lastPid?.toString() ?? null
}

/** Only a thread that has noted the request was executing it. */
function diedWithThread(loss: Loss, books: Books, { deadly = new Map() }: Permit): boolean {
  const reader = books.readerOf(loss.id)
  if (reader === null) return false
  return [...deadly].some(([id, diedAtMs]) => books.readerOf(id) === reader && loss.lostAtMs + clockSlackMs >= diedAtMs)
}

function judgeLoss(loss: Loss, holder: Holder | null, { victims, endsAtMs }: Permit): Judgement {
  if (holder !== null)
    return loss.lostAtMs + clockSlackMs >= (victims.get(Number.parseInt(holder, 10)) ?? Number.POSITIVE_INFINITY) ? 'in-hands' : 'lost'
  if (endsAtMs !== null) return mayBeRefused(loss, endsAtMs) ? 'refused' : 'lost'
  return isTakenUnnoted(loss, victims) ? 'in-hands' : 'lost'
}

/** No process ever accepted it: it waited in the queue that goes with the last listener, or came when there was none. */
const mayBeRefused = (loss: Loss, endsAtMs: number) => loss.phase !== 'head' && loss.phase !== 'answered' && loss.lostAtMs >= endsAtMs

/** By exclusion: the kernel had given the connection to the victim, which was killed before the app could note it. */
function isTakenUnnoted(loss: Loss, victims: ReadonlyMap<number, number>): boolean {
  const { openedAtMs } = loss
  if (openedAtMs === null || loss.phase === 'connecting' || loss.why.startsWith('no answer')) return false
  return [...victims.values()].some(
    (diedAtMs) => openedAtMs <= diedAtMs + clockSlackMs && loss.lostAtMs >= diedAtMs && loss.lostAtMs <= diedAtMs + seenWithinMs,
  )
}
