/** The sockets that the arbiter has bound and lends to its workers. */
import { chownSync } from 'node:fs'
import type { BindProblem } from '../../machines/listener.ts'
import { type Address, formatAddress } from '../base/address.ts'
import { type ErrorData, MonocerosError, problemOf } from '../base/errors.ts'
import type { ListenerFact, ListenWish } from '../ipc/messages.ts'
import type { ListenerView } from '../ipc/snapshot.ts'
import { type BoundHandle, bind } from '../os/bind.ts'
import { holderOf } from '../os/holder.ts'

export interface ListenersOptions {
  readonly umask: number
  /** Who a unix socket is to belong to; null leaves it to the arbiter's user. */
  readonly owner: { readonly uid: number | null; readonly gid: number | null }
  /** Hears of each attempt to bind that failed. */
  onProblem?(error: MonocerosError): void
}

export type GrantAnswer = { readonly listener: ListenerFact; readonly handle: unknown } | { readonly problem: ErrorData }
type Asker = (answer: GrantAnswer) => void

interface Entry {
  readonly wanted: Address
  bound: { readonly handle: BoundHandle; readonly address: Address } | null
  askers: Asker[]
  /** It is in the configuration; else programs asked for it, those of these generations. */
  isConfigured: boolean
  readonly generations: Set<number>
}

export interface Listeners {
  /** Names an address for the chart. The same address has the same id; port 0 has one for each time that somebody asks for it. */
  idOf(address: Address, asker: 'bind' | 'program', ordinal: number): string
  bind(id: string, tries: number): Promise<{ ok: true; address: string } | { ok: false; problem: BindProblem }>
  release(id: string): void
  /** Answers at once when it is bound, else as soon as that is known; true: it must be asked for first. */
  grant(id: string, generation: number, asker: Asker): boolean
  /** A generation is gone: the listeners that programs of no other one have asked for. */
  unwantedAfter(generation: number): string[]
  /** What a spawn passes on: descriptors in order, and the facts that name them. */
  inherited(ids: readonly string[], firstFd: number): { fds: number[]; facts: ListenerFact[] }
  addresses(): string[]
  views(): ListenerView[]
}

export function createListeners(options: ListenersOptions): Listeners {
  const entries = new Map<string, Entry>()

  function settle(entry: Entry, answer: GrantAnswer): void {
    for (const asker of entry.askers.splice(0)) asker(answer)
  }

  const grantOf = (id: string, entry: Entry): GrantAnswer | null =>
    entry.bound === null ? null : { listener: { id, address: formatAddress(entry.bound.address), fd: null }, handle: entry.bound.handle }

  return {
    idOf(address, asker, ordinal) {
      const isAnyPort = address.kind === 'tcp' && address.port === 0
      const id = isAnyPort ? `${formatAddress(address)}#${asker}.${ordinal}` : formatAddress(address)
      const entry = entries.get(id) ?? { wanted: address, bound: null, askers: [], isConfigured: false, generations: new Set() }
      entries.set(id, entry)
      if (asker === 'bind') entry.isConfigured = true
      return id
    },
    async bind(id, tries) {
      const entry = entries.get(id)
      if (entry === undefined)
        return { ok: false, problem: { code: 'MON_LISTENER_FAILED', text: `no such listener: ${id}`, isRetryable: false } }
      const shown = formatAddress(entry.wanted)
      try {
        const bound = await bind(entry.wanted, { umask: options.umask, shown })
        if (!entries.has(id)) {
          bound.handle.close() // released while it was being bound
          return { ok: false, problem: { code: 'MON_LISTENER_FAILED', text: 'released', isRetryable: false } }
        }
        if (entry.wanted.kind === 'unix') giveAway(entry.wanted.path, options.owner)
        entry.bound = bound
        settle(entry, grantOf(id, entry) as GrantAnswer)
        return { ok: true, address: formatAddress(bound.address) }
      } catch (error) {
        const named = namedError(error, entry.wanted, shown, tries)
        options.onProblem?.(named)
        return { ok: false, problem: { code: named.code, text: named.message, isRetryable: named.code === 'MON_LISTENER_IN_USE' } }
      }
    },
    release(id) {
      const entry = entries.get(id)
      if (entry === undefined) return
      entries.delete(id)
      entry.bound?.handle.close()
      settle(entry, { problem: new MonocerosError('MON_LISTENER_FAILED', { address: id, problem: 'it could not be bound' }).toData() })
    },
    grant(id, generation, asker) {
      const entry = entries.get(id)
      if (entry === undefined) {
        asker({ problem: new MonocerosError('MON_LISTENER_FAILED', { address: id, problem: 'the arbiter no longer holds it' }).toData() })
        return false
      }
      entry.generations.add(generation)
      const answer = grantOf(id, entry)
      if (answer !== null) {
        asker(answer)
        return false
      }
      entry.askers.push(asker)
      return entry.askers.length === 1
    },
    unwantedAfter(generation) {
      return [...entries].flatMap(([id, { isConfigured, generations }]) => {
        const wasAsked = generations.delete(generation)
        return wasAsked && !isConfigured && generations.size === 0 ? [id] : []
      })
    },
    inherited(ids, firstFd) {
      const bound = ids.flatMap((id) => {
        const entry = entries.get(id)
        return entry?.bound ? [{ id, fd: entry.bound.handle.fd, address: formatAddress(entry.bound.address) }] : []
      })
      return {
        fds: bound.map(({ fd }) => fd),
        facts: bound.map(({ id, address }, index) => ({ id, address, fd: firstFd + index })),
      }
    },
    views: () =>
      [...entries.values()].flatMap(({ bound }) =>
        bound === null ? [] : [{ address: formatAddress(bound.address), fd: bound.handle.fd, type: typeOf(bound.address) }],
      ),
    addresses: () => [...entries.values()].flatMap((entry) => (entry.bound ? [formatAddress(entry.bound.address)] : [])),
  }
}

function typeOf(address: Address): ListenerView['type'] {
  if (address.kind !== 'tcp') return address.kind === 'unix' ? 'unix' : 'tcp'
  return address.host.includes(':') ? 'tcp6' : 'tcp'
}

/** What Node's `listen()` without a host takes. */
export function addressOfWish(wish: ListenWish): Address {
  if (wish.path !== null) return { kind: 'unix', path: wish.path }
  return { kind: 'tcp', host: wish.host ?? '::', port: wish.port ?? 0 }
}

function giveAway(path: string, owner: ListenersOptions['owner']): void {
  if (owner.uid !== null || owner.gid !== null) chownSync(path, owner.uid ?? process.getuid?.() ?? 0, owner.gid ?? process.getgid?.() ?? 0)
}

function namedError(error: unknown, wanted: Address, shown: string, tries: number): MonocerosError {
  if (!(error instanceof MonocerosError))
    return new MonocerosError('MON_LISTENER_FAILED', { address: shown, problem: problemOf(error) }, error)
  if (error.code !== 'MON_LISTENER_IN_USE') return error
  const holder = holderOf(wanted)
  return new MonocerosError('MON_LISTENER_IN_USE', { address: shown, holder: holder === null ? '' : ` by ${holder}`, tries })
}
