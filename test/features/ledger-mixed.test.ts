import { expect, test } from 'vitest'
import { mixedEvents, monocerosTrial } from '../../bench/ledger/monoceros.ts'
import { detailsOf } from '../../bench/ledger/report.ts'
import { runTrial } from '../../bench/ledger/trial.ts'

const requests = 600

test.each(mixedEvents)('no request is lost beyond the hands of what died: $name', async (event) => {
  const row = await runTrial(monocerosTrial(event), requests)
  expect(detailsOf(row)).toEqual([])
  expect(row.requests).toBeGreaterThanOrEqual(requests)
  expect(row.ok + row.inHands + row.refused).toBe(row.requests)
})
