/** The broker's socket: who connects asks for leases, gives them back, and uses the stash. */
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { basename } from 'node:path'
import { decode, encode } from '../wire/codec.ts'
import { type Frame, hearFrames, writeFrame } from '../wire/frames.ts'
import { fromBroker, type LeaseGrant, type LeaseWish, type Refusal, type StashOrder, toBroker, type Welcome } from '../wire/kinds.ts'
import { workerOfSocket } from '../wire/socket-path.ts'
import { type Asker, type Broker, type BrokerHost, createBroker } from './broker.ts'
import type { Deaths } from './deaths.ts'
import type { Stash } from './stash.ts'
import { answerStash } from './stash-orders.ts'
import { createWaits, type Waits } from './waits.ts'

export interface BrokerServerOptions {
  readonly path: string
  readonly welcome: () => Welcome
  readonly queueMax: number
  readonly stash: Stash
  readonly deaths: Pick<Deaths, 'of'>
  /** Where the thread at a place is called. */
  addressOf(place: number): Omit<LeaseGrant, 'lease' | 'isSingle'>
  revoke(place: number, lease: string, isHolderGone: boolean): void
  /** The only call of a process is over. */
  onSpent(process: number): void
}

export interface BrokerServer {
  readonly broker: Broker
  readonly waits: Pick<Waits, 'of'>
  listen(): Promise<void>
  close(): void
}

/** A holder gives a lease back in milliseconds, unless its call runs on, or it stands still. */
const chaseEveryMs = 500
/** Orders are small: what is bigger is no client of ours. The stash may hold big values. */
const frameMaxBytes = 256 * 1024 * 1024

export function createBrokerServer(options: BrokerServerOptions): BrokerServer {
  const clients = new Map<number, Socket>()
  let nextClient = 1
  let chaser: NodeJS.Timeout | undefined
  const waits = createWaits(() => performance.now())

  const host: BrokerHost = {
    grant(asker, lease, place, isSingle) {
      waits.answered(asker)
      send(asker.client, fromBroker.granted, asker.call, { lease, isSingle, ...options.addressOf(place) } satisfies LeaseGrant)
    },
    refuse(asker, refusal) {
      waits.answered(asker)
      send(asker.client, fromBroker.refused, asker.call, refusal)
    },
    recall: (client, lease) => send(client, fromBroker.recall, 0, { lease }),
    revoke: options.revoke,
    spent: options.onSpent,
  }
  const broker = createBroker(host, options.queueMax)

  function send(client: number, kind: number, call: number, value: unknown): void {
    const socket = clients.get(client)
    if (socket !== undefined && !socket.destroyed) writeFrame(socket, { kind, call, ...encode(value) })
  }

  function askFor(asker: Asker, wish: LeaseWish): void {
    waits.asked(asker, wish.app, () => broker.ask(asker, wish))
  }

  function hear(client: number, frame: Frame): void {
    const { kind, call } = frame
    switch (kind) {
      case toBroker.hello:
        send(client, fromBroker.welcome, call, options.welcome())
        break
      case toBroker.lease:
        askFor({ client, call }, decode<LeaseWish>(frame))
        break
      case toBroker.unqueue:
        broker.unqueue({ client, call })
        break
      case toBroker.release:
        broker.release(decode<{ lease: string }>(frame).lease)
        break
      case toBroker.stash: {
        const answer = answerStash(options.stash, decode<StashOrder>(frame))
        if (answer.ok) send(client, fromBroker.stashed, call, answer.value)
        else send(client, fromBroker.refused, call, answer.refusal satisfies Refusal)
        break
      }
      case toBroker.counts:
        send(client, fromBroker.counted, call, broker.counts())
        break
      case toBroker.death: {
        const pid = workerOfSocket(basename(decode<{ workerPath: string }>(frame).workerPath))
        void options.deaths.of(pid ?? 0).then((death) => send(client, fromBroker.death, call, death))
        break
      }
    }
  }

  const server: Server = createServer((socket) => {
    const client = nextClient++
    clients.set(client, socket)
    hearFrames(socket, frameMaxBytes, (frame) => hear(client, frame))
    socket.once('close', () => {
      clients.delete(client)
      waits.lost(client)
      broker.loseClient(client)
    })
  })

  return {
    broker,
    waits,
    async listen() {
      // What a dirty arbiter before us has left there: nobody listens any more.
      rmSync(options.path, { force: true })
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.path, resolve)
      })
      chaser = setInterval(() => broker.chase(), chaseEveryMs).unref()
    },
    close() {
      clearInterval(chaser)
      broker.close()
      server.close()
      for (const socket of clients.values()) socket.end()
    },
  }
}
