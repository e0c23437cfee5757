/** Where a worker of class gthread listens for its threads: for what they export, and for what their program listens to. */
import type { Server } from 'node:http'
import { parseAddress } from '../../base/address.ts'
import { problemOf } from '../../base/errors.ts'
import type { ListenerFact } from '../../ipc/messages.ts'
import { nowMs } from '../../ipc/pulse.ts'
import type { DoorAnswer, ProgramListen, ServerFacts, ShownAddress } from '../../lanes/thread-control.ts'
import type { Dispatcher } from '../../threads/dispatcher.ts'
import { applyFacts, createFront } from '../../threads/front.ts'
import type { Wishes } from '../../worker/wishes.ts'
import { type Deferred, deferred } from '../deferred.ts'
import type { WorkerScope } from './worker-scope.ts'
import type { Traffic } from './worker-traffic.ts'

export interface ThreadDoors {
  /** Opens the server of what the threads export. */
  openExported(server: ServerFacts): Promise<void>
  addressOf(door: number): Promise<ShownAddress>
  /** A thread's program listens; every thread's program does, and for all of them it is one server. */
  listen(ordinal: number, wish: ProgramListen, server: ServerFacts): Promise<DoorAnswer>
}

export function createThreadDoors(scope: WorkerScope, traffic: Traffic, wishes: Wishes, dispatcher: Dispatcher): ThreadDoors {
  const { boot, settings, log } = scope
  const doors: { readonly key: string; readonly address: Deferred<ShownAddress> }[] = []
  let isUpgradeTold = false

  function add(key: string): { door: number; server: Server; address: Deferred<ShownAddress> } {
    const door = doors.length
    const address = deferred<ShownAddress>()
    doors.push({ key, address })
    return { door, server: createFront(dispatcher, door, nowMs), address }
  }

  function apply(server: Server, facts: ServerFacts): void {
    applyFacts(server, facts)
    if (!facts.hasUpgrade || isUpgradeTold) return
    isUpgradeTold = true
    log.event('thread.no-upgrade', {})
  }

  const given = () => boot.listeners.map((listener) => ({ listener }))

  async function grantedFor(
    isMain: boolean,
    wish: ProgramListen,
  ): Promise<readonly { readonly listener: ListenerFact; readonly handle?: unknown }[]> {
    if (!isMain || !boot.isBindGiven) return [await wishes.bind(wish)]
    // Every program asks the same: one line is enough.
    if (boot.slot === 0)
      log.event('config.bind-wins', { asked: wishText(wish), bind: boot.listeners.map(({ address }) => address).join(' ') })
    return given()
  }

  return {
    async openExported(facts) {
      const { server, address } = add('exported')
      apply(server, facts)
      const granted = []
      if (boot.isBindGiven) granted.push(...given())
      else
        for (const text of settings.bind) {
          const parsed = parseAddress(text)
          if (parsed.ok) granted.push(await traffic.bind(parsed.address))
        }
      await traffic.openAt(server, granted)
      address.resolve(server.address() as ShownAddress)
    },
    addressOf: (door) => doors[door]?.address.promise ?? new Promise(() => undefined),
    async listen(ordinal, wish, facts) {
      // Port 0 is another port each time a program asks, but the same for the same asking in every thread.
      const key = JSON.stringify([wish, wish.port === 0 ? ordinal : null])
      const known = doors.findIndex((door) => door.key === key)
      try {
        if (known !== -1) return { ok: true, door: known, address: await doors[known]!.address.promise }
        const isMain = doors.length === 0
        const { door, server, address } = add(key)
        try {
          apply(server, facts)
          await traffic.openAt(server, await grantedFor(isMain, wish))
          address.resolve(server.address() as ShownAddress)
        } catch (error) {
          address.reject(error)
        }
        return { ok: true, door, address: await address.promise }
      } catch (error) {
        return { ok: false, problem: problemOf(error) }
      }
    },
  }
}

function wishText(wish: ProgramListen): string {
  return wish.path === null ? `${wish.host ?? ''}:${wish.port}` : `unix:${wish.path}`
}
