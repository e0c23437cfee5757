import { expect, test } from 'vitest'
import { type BrokerHost, createBroker } from '../../../src/dirty-arbiter/broker.ts'
import type { LeaseWish } from '../../../src/wire/kinds.ts'

const wish: LeaseWish = { app: 'app', key: null, priority: 0, parent: null }

/** One worker with one place, and what the broker says to whom. */
function played() {
  const said: string[] = []
  const host: BrokerHost = {
    grant: ({ client }, lease) => said.push(`grant ${lease} to ${client}`),
    refuse: ({ client }, { code }) => said.push(`refuse ${client} ${code}`),
    recall: (client, lease) => said.push(`recall ${lease} from ${client}`),
    revoke: (_, lease, isHolderGone) => said.push(`revoke ${lease}${isHolderGone ? ', its holder is gone' : ''}`),
  }
  const broker = createBroker(host, 10)
  broker.setApps(['app'])
  broker.setCapacity(1, 'app', 1)
  return { broker, heard: () => said.splice(0) }
}

test('a lease that was recalled and does not come back is revoked once, at the second look', () => {
  const { broker, heard } = played()
  broker.ask({ client: 1, call: 1 }, wish)
  broker.chase()
  broker.chase()
  expect(heard()).toEqual(['grant 1 to 1'])
  broker.ask({ client: 2, call: 1 }, wish)
  broker.chase()
  expect(heard()).toEqual(['recall 1 from 1'])
  broker.chase()
  broker.chase()
  expect(heard()).toEqual(['revoke 1'])
  // The worker says that it is over; what its holder says later is about nothing.
  broker.release('1')
  broker.release('1')
  expect(heard()).toEqual(['grant 2 to 2'])
  expect(broker.counts()).toEqual([{ app: 'app', queued: 0, leased: 1, capacity: 1 }])
})

test('leases of a holder that is gone stay taken until their worker says that they are over', () => {
  const { broker, heard } = played()
  broker.ask({ client: 1, call: 1 }, wish)
  broker.ask({ client: 2, call: 1 }, wish)
  broker.ask({ client: 1, call: 2 }, wish)
  heard()
  broker.loseClient(1)
  expect(heard()).toEqual(['revoke 1, its holder is gone'])
  expect(broker.counts()).toEqual([{ app: 'app', queued: 1, leased: 1, capacity: 1 }])
  broker.release('1')
  expect(heard()).toEqual(['grant 2 to 2'])
})

test('leases of a worker that died before it said so are over with it', () => {
  const { broker, heard } = played()
  broker.ask({ client: 1, call: 1 }, wish)
  broker.loseClient(1)
  broker.loseWorker(1)
  broker.ask({ client: 2, call: 1 }, wish)
  heard()
  broker.setCapacity(2, 'app', 1)
  expect(heard()).toEqual(['grant 2 to 2'])
  expect(broker.counts()).toEqual([{ app: 'app', queued: 0, leased: 1, capacity: 1 }])
})
