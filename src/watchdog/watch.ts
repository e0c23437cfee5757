/** The watchdog thread of a worker: it beats, sees a blocked loop, takes the autopsy and survives the parent's death. */
import { Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import { autopsyFacts } from '../ipc/autopsy-facts.ts'
import { lineReader, toLine } from '../ipc/beat-lines.ts'
import type { Autopsy, FactFromWatchdog, Gauges, MainAnswer, OrderToWatchdog, WatchdogNews, WatchOrders } from '../ipc/messages.ts'
import { nowMs, readPulse } from '../ipc/pulse.ts'
import type { Asked } from '../ipc/questions.ts'
import { createProbe } from '../os/probe-thread.ts'
import { killGroup } from '../os/spawn.ts'
import { answerQuestion } from './answers.ts'
import { takeAutopsy } from './autopsy.ts'
import { lastWords } from './last-words.ts'

const tickMs = 100
const beatMs = 500
const lastBeatPatienceMs = 300
/** A request that is under way for so long is told with each beat. */
const longMs = 100
const requestsMax = 20
/** A block worth a line in the log. */
const blockMs = 1_000
const stackEveryMs = 10_000
const orphanPatienceMs = 2_000
const orphanLookMs = 700
const pipeMaxBytes = 256 * 1024

/** @param probeUrl the thread image that looks into the main thread */
export function watch(orders: WatchOrders, main: MessagePort, probeUrl: URL): void {
  const pulse = readPulse(orders.memory)
  const pipe = new Socket({ fd: orders.beatFd, readable: true, writable: true })
  const probe = createProbe(probeUrl)
  let lastTickMs = nowMs()
  let resumedMs = lastTickMs
  let lastBeatMs = 0
  let longestBlockMs = 0
  let lastStackMs = -stackEveryMs
  let blockAutopsy: Autopsy | null = null
  let orphanFacts: ReturnType<typeof autopsyFacts> | null = null
  let isReported = false
  let isLooking = false
  let orphanedMs: number | null = null
  /** Under way: the main thread stands still for them, which is not its fault. */
  let snapshots = 0
  let onLastBeat: ((stack: readonly string[]) => void) | null = null

  const tell = (fact: FactFromWatchdog) => {
    // An arbiter that does not read is not waited for: beats are dropped, they come again.
    if (orphanedMs === null && pipe.writableLength < pipeMaxBytes) pipe.write(toLine(fact))
  }

  const becomeOrphan = () => {
    if (orphanedMs !== null) return
    orphanedMs = nowMs()
    main.postMessage({ type: 'parent.gone' } satisfies WatchdogNews)
  }

  const look = async (then: (autopsy: Autopsy) => void) => {
    if (isLooking) return
    isLooking = true
    try {
      const autopsy = await takeAutopsy(pulse)
      then(autopsy.where === 'idle' ? withLastBeat(autopsy, await askLastBeat()) : autopsy)
    } finally {
      isLooking = false
    }
  }

  const tick = () => {
    const now = nowMs()
    // The whole process was stopped, not the loop blocked: its silence starts anew.
    if (now - lastTickMs > tickMs * 10 || snapshots > 0) resumedMs = now
    lastTickMs = now
    const silentMs = Math.min(pulse.silentMs(), now - resumedMs)
    if (orphanedMs !== null) return watchOrphan(now, silentMs)
    if (now - lastBeatMs >= beatMs) {
      lastBeatMs = now
      const requests = pulse.requests(requestsMax).list.filter(({ ageMs }) => ageMs >= longMs)
      tell({
        type: 'beat',
        blockedMs: Math.round(silentMs),
        counters: pulse.counters(),
        tallies: pulse.tallies(),
        requests,
        gauges: gauges(silentMs),
      })
    }
    const phase = pulse.phase()
    const isSupervised = phase === 'serving' || phase === 'draining'
    // Imports block for as long as they take, and nobody waits for this worker then; how long they may is boot_timeout's.
    if (isSupervised) watchBlock(now, silentMs)
    if (!isReported && isSupervised && orders.timeoutMs > 0 && silentMs > orders.timeoutMs) {
      isReported = true
      void look((autopsy) => {
        // It came back while we looked: then it lives on.
        if (pulse.silentMs() < orders.timeoutMs / 2) isReported = false
        else tell({ type: 'silent', blockedMs: Math.round(silentMs), autopsy })
      })
    }
    // In a drain the function is to end, and how long that may take is the grace's.
    const unbeatenMs = Math.min(pulse.unbeatenMs(), now - resumedMs)
    if (!isReported && !isLooking && phase === 'serving' && orders.timeoutMs > 0 && unbeatenMs > orders.timeoutMs) {
      isReported = true
      void reportHang(unbeatenMs)
    }
  }

  /** The loop turns, but the job gives no sign of life: what it awaits does not come. */
  const reportHang = (silentMs: number) =>
    look((autopsy) => {
      // It has beaten while we looked: then it lives on.
      if (pulse.unbeatenMs() < orders.timeoutMs / 2) isReported = false
      else tell({ type: 'hung', silentMs: Math.round(silentMs), autopsy })
    })

  /** Of the main thread, which answers unless its loop is blocked as well. */
  const askLastBeat = () =>
    new Promise<readonly string[]>((resolve) => {
      const timer = setTimeout(resolve, lastBeatPatienceMs, [])
      onLastBeat = (stack) => {
        clearTimeout(timer)
        resolve(stack)
      }
      main.postMessage({ type: 'last-beat' } satisfies WatchdogNews)
    })

  /** While the loop stands still it cannot say so itself. */
  const gauges = (silentMs: number): Gauges => {
    const { heapBytes, utilization, lagMs } = pulse.figures()
    const memoryBytes = process.memoryUsage.rss()
    if (silentMs < blockMs) return { memoryBytes, heapBytes, utilization, lagMs }
    return { memoryBytes, heapBytes, utilization: 1, lagMs: silentMs }
  }

  const watchBlock = (now: number, silentMs: number) => {
    if (silentMs >= blockMs) {
      longestBlockMs = silentMs
      if (blockAutopsy === null && now - lastStackMs > stackEveryMs && (orders.timeoutMs === 0 || silentMs < orders.timeoutMs - blockMs)) {
        lastStackMs = now
        void look((autopsy) => {
          blockAutopsy = autopsy
        })
      }
    } else if (longestBlockMs > 0) {
      const gapMs = pulse.lastGapMs()
      // A stop of the whole process is in the loop's own figure, and not the loop's doing.
      const blockedMs = gapMs > longestBlockMs && now - gapMs >= resumedMs ? gapMs : longestBlockMs
      tell({ type: 'unblocked', blockedMs: Math.round(blockedMs), autopsy: blockAutopsy })
      longestBlockMs = 0
      blockAutopsy = null
    }
  }

  const watchOrphan = (now: number, silentMs: number) => {
    const sinceMs = now - (orphanedMs ?? now)
    const isStuck = silentMs > orphanPatienceMs - 2 * tickMs || (sinceMs > orphanPatienceMs - 2 * tickMs && !hasAnswered)
    const isLate = sinceMs >= orders.graceMs + 1_000
    // Begun before the time is up, so that the autopsy takes none of its own.
    if (orphanFacts === null && (silentMs > orphanLookMs || isLate)) {
      void look((autopsy) => {
        orphanFacts = autopsyFacts(autopsy)
      })
    }
    if (isLooking || !(isStuck || isLate)) return
    const words = isLate ? 'it did not finish within graceful_timeout' : 'its loop is blocked'
    lastWords('worker.orphan-killed', { ...orders.who, silentMs: Math.round(silentMs), ...orphanFacts }, words)
    killGroup(process.pid)
  }

  const answer = async ({ id, question }: Asked) => {
    const isStopping = question.kind === 'heap'
    if (isStopping) snapshots++
    const answer = await answerQuestion(question, pulse, probe)
    if (isStopping) snapshots--
    tell({ type: 'answer', id, answer })
  }

  let hasAnswered = false
  main.on('message', (answer: MainAnswer) => {
    if (answer.type === 'drains') hasAnswered = true
    else onLastBeat?.(answer.stack)
  })
  pipe.on(
    'data',
    lineReader<OrderToWatchdog>((order) => {
      if (order.type === 'autopsy') void look((autopsy) => tell({ type: 'autopsy', autopsy }))
      else void answer(order)
    }),
  )
  pipe.on('end', becomeOrphan)
  pipe.on('close', becomeOrphan)
  pipe.on('error', becomeOrphan)
  setInterval(tick, tickMs)
}

/** A loop that waits has no stack of its own: where the job was heard of last says most. */
function withLastBeat(autopsy: Autopsy, lastBeat: readonly string[]): Autopsy {
  if (autopsy.where !== 'idle' || lastBeat.length === 0) return autopsy
  return { ...autopsy, stack: lastBeat, phase: `${autopsy.phase}, since its last beat, which came from here` }
}
