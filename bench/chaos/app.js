import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { DirtyApp } from 'monoceros/dirty'

export class ChaosApp extends DirtyApp {
  noop() {}
  echo(value) {
    return value
  }
  async *tokens(nonce, count) {
    for (let n = 0; n < count; n++) {
      yield `${nonce}:${n}`
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
