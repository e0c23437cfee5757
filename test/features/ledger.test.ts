import { expect, test } from 'vitest'
import { monocerosEvents, monocerosTrial } from '../../bench/ledger/monoceros.ts'
import { detailsOf } from '../../bench/ledger/report.ts'
import { runTrial } from '../../bench/ledger/trial.ts'

/** `npm run ledger` asks for 5,000 and more. */
const requests = 1_500

test.each(monocerosEvents)('no request is lost beyond the hands of what died: $name', async (event) => {
  const row = await runTrial(monocerosTrial(event), requests)
  expect(detailsOf(row)).toEqual([])
  expect(row.requests).toBeGreaterThanOrEqual(requests)
  expect(row.ok + row.inHands + row.refused).toBe(row.requests)
})
