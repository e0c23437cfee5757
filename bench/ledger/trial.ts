/** One event under load, from the first request to the verdict. */
import { readBooks } from './books.ts'
import { startLoad } from './load-process.ts'
import { judge, type Permit, type Verdict } from './verdict.ts'

/** A service that serves `app.js` and can be made to suffer one event. */
export interface Service {
  readonly port: number
  /** Where its processes keep their books. */
  readonly folder: string
  /** Makes the event happen, waits until it is over, and says what it permits. */
  happen(): Promise<Permit>
  /** Ends it if it still lives; answers what is not as it should be: a process left behind, a service that does not serve. */
  close(): Promise<readonly string[]>
}

export interface Trial {
  readonly subject: string
  readonly event: string
  /** The service does not outlive it. */
  readonly isEnd: boolean
  start(): Promise<Service>
}

export interface Row extends Verdict {
  readonly subject: string
  readonly event: string
  readonly seconds: number
  readonly problems: readonly string[]
}

/** Connections at the same time: 18, of three kinds. */
const connections = { fresh: 7, kept: 7, resting: 4 }

/** The event comes in the middle: a third of the requests before it, the rest while it happens and after it; an end comes last. */
export async function runTrial(trial: Trial, requests: number): Promise<Row> {
  const startedMs = performance.now()
  const service = await trial.start()
  const problems: string[] = []
  const load = startLoad({ port: service.port, ...connections })
  let verdict: Verdict | null = null
  try {
    await load.reached(trial.isEnd ? requests : Math.ceil(requests / 3))
    const happensAtMs = Date.now()
    const permit = await service.happen().catch((error: Error): Permit => {
      problems.push(error.message)
      return { victims: new Map(), endsAtMs: trial.isEnd ? happensAtMs : null }
    })
    const after = permit.endsAtMs === null ? Math.max(requests - load.done, Math.ceil(requests / 4)) : 0
    verdict = judge(await load.finish(after), readBooks(service.folder), permit)
  } finally {
    await load.end()
    problems.push(...(await service.close()))
  }
  return { ...verdict, subject: trial.subject, event: trial.event, seconds: (performance.now() - startedMs) / 1_000, problems }
}
