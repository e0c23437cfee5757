import { EventEmitter } from 'node:events'
import { constants } from 'node:os'

export interface HeldSignals {
  has(signal: NodeJS.Signals): boolean
  /**
   * Calls the app's listeners for the signal, in their order, as if it had come now.
   *
   * @returns when the promises of async listeners have settled
   */
  release(signal: NodeJS.Signals): Promise<void>
  /** Ends the holding: later listeners go to the process itself; the ones held stay hidden. */
  remove(): void
}

type Listener = (...args: unknown[]) => void

const passedOn = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener', 'off', 'removeListener'] as const
const asked = ['listenerCount', 'listeners', 'rawListeners'] as const

/**
 * Hides the app's listeners for some signals: they are kept aside and do not run when the signal arrives, because many end
 * the process at once and with it the requests under way. Listeners that were there before are unaffected.
 *
 * @param onError told of each listener that throws or rejects when it is released
 */
export function holdSignals(signals: readonly NodeJS.Signals[], onError: (error: unknown, signal: NodeJS.Signals) => void): HeldSignals {
  const held = new Set<unknown>(signals)
  const holder = new EventEmitter().setMaxListeners(0)
  const target = process as unknown as Record<string, (...args: unknown[]) => unknown>
  const aside = holder as unknown as Record<string, (...args: unknown[]) => unknown>

  for (const name of passedOn) {
    const native = target[name]!
    target[name] = (event: unknown, ...rest: unknown[]) => {
      if (!held.has(event)) return native.call(process, event, ...rest)
      aside[name]!(event, ...rest)
      return process
    }
  }
  for (const name of asked) {
    const native = target[name]!
    target[name] = (event: unknown, ...rest: unknown[]) =>
      held.has(event) ? aside[name]!(event, ...rest) : native.call(process, event, ...rest)
  }
  const removeAll = target['removeAllListeners']!
  target['removeAllListeners'] = (...events: unknown[]) => {
    const names = events.length === 0 || events[0] === undefined ? [...process.eventNames(), ...signals] : events
    for (const name of names) {
      if (held.has(name)) holder.removeAllListeners(name as string)
      else removeAll.call(process, name)
    }
    return process
  }

  return {
    has: (signal) => holder.listenerCount(signal) > 0,
    release: (signal) => callAll(holder.rawListeners(signal) as Listener[], signal, onError),
    remove: () => {
      for (const name of [...passedOn, ...asked, 'removeAllListeners']) Reflect.deleteProperty(process, name)
    },
  }
}

async function callAll(
  listeners: readonly Listener[],
  signal: NodeJS.Signals,
  onError: (error: unknown, signal: NodeJS.Signals) => void,
): Promise<void> {
  const results = listeners.map(async (listener) => {
    try {
      await listener.call(process, signal, constants.signals[signal])
    } catch (error) {
      onError(error, signal)
    }
  })
  await Promise.all(results)
}
