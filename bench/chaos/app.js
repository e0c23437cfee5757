import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { DirtyApp, dirty } from 'monoceros/dirty'

const chaos = dirty('chaos')
const inner = dirty('inner')

export class ChaosApp extends DirtyApp {
  kept = new Map()

  noop() {}
  echo(value) {
    return value
  }
  async *tokens(nonce, count, padding = '') {
    for (let n = 0; n < count; n++) {
      yield `${nonce}:${n}${padding}`
      await turn()
    }
  }
  async linger(nonce, ms) {
    await pause(ms, undefined, { signal: this.signal })
    return nonce
  }
  work(nonce, ms) {
    const untilMs = performance.now() + ms
    while (performance.now() < untilMs) Math.random()
    return nonce
  }
  /** Who hears that it has begun knows that it cannot hear anybody. */
  async workHeard(nonce, ms, begun) {
    await begun()
    return this.work(nonce, ms)
  }
  async relay(nonce) {
    return await inner.with({ signal: this.signal }).echo(nonce)
  }
  async *relayTokens(nonce, count) {
    for await (const token of inner.tokens(nonce, count)) yield token
  }
  async *askTokens(nonce, count) {
    for (let n = 0; n < count; n++) yield await inner.with({ signal: this.signal }).echo(`${nonce}:${n}`)
  }
  async ring(nonce) {
    return await inner.with({ signal: this.signal }).back(nonce)
  }
  async ask(nonce, times, callback) {
    for (let n = 0; n < times; n++) {
      const answer = await callback(n)
      if (answer !== `${nonce}:${n}`) throw new Error(`a callback has answered ${answer} instead of ${nonce}:${n}`)
    }
    return nonce
  }
  async askInVain(callback) {
    try {
      await callback()
      return 'it has answered'
    } catch (error) {
      return error.message
    }
  }
  keep(key, nonce) {
    this.kept.set(key, nonce)
    return `${process.pid}.${threadId}`
  }
  take(key) {
    const nonce = this.kept.get(key)
    this.kept.delete(key)
    return [`${process.pid}.${threadId}`, nonce]
  }
  spin() {
    for (;;) Math.random()
  }
  exit() {
    process.exit(3)
  }
  async throwLater() {
    setTimeout(() => {
      throw new Error('thrown in a timer')
    }, 5)
    await new Promise(() => undefined)
  }
}

export class InnerApp extends DirtyApp {
  echo(value) {
    return value
  }
  async *tokens(nonce, count) {
    for (let n = 0; n < count; n++) yield `${nonce}:${n}`
  }
  async back(nonce) {
    return await chaos.with({ signal: this.signal }).echo(nonce)
  }
}
