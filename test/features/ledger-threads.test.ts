import { expect, test } from 'vitest'
import { monocerosTrial } from '../../bench/ledger/monoceros.ts'
import { detailsOf } from '../../bench/ledger/report.ts'
import { threadEvents, threadLayout } from '../../bench/ledger/threads.ts'
import { runTrial } from '../../bench/ledger/trial.ts'

/** `npm run ledger -- --threads 2` asks for 5,000 and more. */
const requests = 1_000

test.each(threadEvents)('under gthread no request is lost beyond those that died with what executed them: $name', async (event) => {
  const row = await runTrial(monocerosTrial(event, [], threadLayout(2)), requests)
  expect(detailsOf(row)).toEqual([])
  expect(row.requests).toBeGreaterThanOrEqual(requests)
  expect(row.ok + row.inHands + row.refused).toBe(row.requests)
})
