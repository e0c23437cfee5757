import { afterAll, beforeAll, expect, test } from 'vitest'
import { appOf, collect, door, failure, socketOf, startDirtyShared } from '../support/dirty.ts'
import type { Running } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const app = `
import { DirtyApp } from 'monoceros/dirty'
export class EchoApp extends DirtyApp {
  seen = []
  after = null
  echo(value) { return value }
  kinds(...values) { return values.map((value) => value?.constructor?.name ?? String(value)) }
  count(buffer) { return buffer.byteLength }
  big(bytes) { return Buffer.alloc(bytes, 5) }
  async later(value) { await null; return value }
  notes() { return this.seen.splice(0) }
  async run(callback, ...args) { return await callback(...args) }
  async steer(object) { return [await object.add(2, 3), await object.name(), await object.deep.double(4)] }
  keep(callback) { this.after = callback; return 'kept' }
  async useKept() { return await this.after('late') }
  fire(callback) { callback('unawaited'); return 'fired' }
  async *tokens(count) {
    try { for (let n = 0; n < count; n++) { this.made = n + 1; yield n } return 'the end' } finally { this.seen.push('finally') }
  }
  *steps(count) {
    try { for (let n = 0; n < count; n++) { this.made = n + 1; yield n } return 'the end' } finally { this.seen.push('finally') }
  }
  progress() { return this.made }
  async *blobs(count, bytes) { for (let n = 0; n < count; n++) { this.made = n + 1; yield Buffer.alloc(bytes, n) } }
  async *breaks() { yield 1; yield 2; throw new RangeError('half way') }
  async *aborts() { try { for (;;) { this.signal.throwIfAborted(); yield 'x'; await new Promise((go) => setTimeout(go, 5)) } } finally { this.seen.push(String(this.signal.aborted)) } }
  fails() {
    const inner = Object.assign(new Error('deep', { cause: new RangeError('deepest') }), { code: 'E_DEEP' })
    throw Object.assign(new TypeError('no good', { cause: inner }), { code: 'E_NO', extra: new Map([[1, 2]]), unsendable() {} })
  }
  throwsOdd(what) { throw what }
  named() { throw Object.assign(new Error('x'), { name: 'QuotaError', refusal: 'mine' }) }
  returnsFunction() { return () => 1 }
  async *yieldsFunction() { yield 1; yield () => 1 }
  _private() { return 'secret' }
  notAction = 5
  memory() { return process.memoryUsage().rss }
}
`

let server: Running
let close: (keep?: boolean) => Promise<void>
let echo: ReturnType<typeof appOf>
beforeAll(async () => {
  const started = startDirtyShared({
    args: ['--dirty-app', './echo.mjs:EchoApp', '--dirty-workers', '1', '--dirty-frame-max', '80'],
    files: { 'echo.mjs': app },
  })
  server = started.running
  close = started.close
  await server.ready()
  echo = appOf(server, 'echo')
})
afterAll(() => close())

test('values arrive as structured clone makes them', async () => {
  const cyclic: { self?: unknown; list: unknown[] } = { list: [1] }
  cyclic.self = cyclic
  cyclic.list.push(cyclic)
  const values = [
    undefined, null, true, -0, Number.NaN, 2n ** 80n, 'ä€😀', new Date(5), /a+/gi, new Map<unknown, unknown>([['k', new Set([1, 'two'])]]),
    { a: undefined, b: new Array(3) },
    new ArrayBuffer(5), new ArrayBuffer(10_000), new RangeError('kept'),
  ] // biome-ignore format: one line reads better
  expect(await echo.echo(values)).toEqual(values)
  expect(Object.is((await echo.echo(values))[3], -0)).toBe(true)
  const back = await echo.echo(cyclic)
  expect(back.self).toBe(back)
  expect(back.list[1]).toBe(back)
  expect(await echo.echo()).toBe(undefined)
  expect(await echo.later('x')).toBe('x')
})

test('buffers of every class and size stay what they are, both ways', async () => {
  const classes = [
    Buffer, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
    BigInt64Array, BigUint64Array, DataView,
    ...('Float16Array' in globalThis ? [(globalThis as unknown as { Float16Array: typeof Uint16Array }).Float16Array] : []),
  ] // biome-ignore format: one line reads better
  for (const bytes of [0, 8, 4_088, 4_096, 4_104, 70_000]) {
    const memory = new ArrayBuffer(bytes + 8)
    const all = new Uint8Array(memory)
    for (let at = 0; at < all.length; at++) all[at] = at % 251
    const sent = classes.map((Class) => {
      if (Class === Buffer) return Buffer.from(memory, 8, bytes)
      const size = (Class as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
      return new (Class as Uint8ArrayConstructor)(memory, 8, bytes / size)
    })
    expect(await echo.kinds(...sent)).toEqual(classes.map(({ name }) => name))
    const back = (await echo.echo(sent)) as Uint8Array[]
    expect(back.map((view) => view.constructor.name)).toEqual(classes.map(({ name }) => name))
    for (const view of back) expect(Buffer.from(view.buffer, view.byteOffset, view.byteLength).equals(all.subarray(8))).toBe(true)
  }
})

test('a buffer of 64 MiB goes there and comes back', async () => {
  const sent = Buffer.alloc(64 * 2 ** 20, 3)
  sent[sent.length - 1] = 9
  const back = (await echo.echo(sent)) as Buffer
  expect(back.equals(sent)).toBe(true)
})

test('a callback is called with values and answers them, also an object with methods', async () => {
  expect(
    await echo.run(
      door.proxy((...args: unknown[]) => args.length),
      1,
      'two',
      new Map(),
    ),
  ).toBe(3)
  const object = { add: (a: number, b: number) => a + b, name: async () => 'n', deep: { double: (n: number) => n * 2 } }
  expect(await echo.steer(door.proxy(object))).toEqual([5, 'n', 8])
})

test('what a callback throws reaches the app, and through it the caller', async () => {
  const error = await failure(
    echo.run(
      door.proxy(() => {
        throw new RangeError('from the caller')
      }),
    ),
  )
  expect([error.code, error.cause.message]).toEqual(['MON_DIRTY_APP', 'from the caller'])
})

test('a callback called after the answer fails in the app, and reaches nobody', async () => {
  let calls = 0
  expect(await echo.keep(door.proxy(() => calls++))).toBe('kept')
  const error = await failure(echo.with({ timeoutMs: 10_000 }).useKept())
  expect([error.code, error.cause?.code]).toEqual(['MON_DIRTY_APP', 'MON_DIRTY_CALLBACK'])
  expect(calls).toBe(0)
})

test('a callback that the app does not wait for is called all the same', async () => {
  const heard: unknown[] = []
  expect(await echo.fire(door.proxy((word: string) => void heard.push(word)))).toBe('fired')
  expect(heard).toEqual(['unawaited'])
})

for (const action of ['tokens', 'steps']) {
  test(`what ${action} yields arrives in order, and what it returns too`, async () => {
    await echo.notes()
    const got: unknown[] = []
    const iterator = echo[action](300)[Symbol.asyncIterator]()
    let step = await iterator.next()
    for (; !step.done; step = await iterator.next()) got.push(step.value)
    expect(got).toEqual(Array.from({ length: 300 }, (_, n) => n))
    expect(step.value).toBe('the end')
    expect(await echo.notes()).toEqual(['finally'])
  })

  test(`leaving the stream of ${action} early stops it and runs its finally`, async () => {
    await echo.notes()
    for await (const n of echo[action](1e9)) if (n === 20) break
    expect(await echo.with({ timeoutMs: 10_000 }).notes()).toEqual(['finally'])
    expect(await echo.progress()).toBeLessThan(20 + 60)
  })

  test(`a reader that does not read stops the generator of ${action}`, async () => {
    const iterator = echo[action](1e9)[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toBe(0)
    // It has its only thread for itself; what waits for that meanwhile is time enough for many more steps.
    expect((await failure(echo.with({ timeoutMs: 300 }).progress())).code).toBe('MON_DIRTY_TIMEOUT')
    await iterator.return?.(undefined)
    expect(await echo.progress()).toBeLessThan(40)
  })
}

test('a signal in a generator is that of its call', async () => {
  await echo.notes()
  for await (const x of echo.aborts()) if (x === 'x') break
  expect(await echo.notes()).toEqual(['true'])
})

test('big values of a stream do not pile up for a slow reader', async () => {
  let taken = 0
  let most = 0
  for await (const blob of echo.blobs(60, 2 ** 20)) {
    expect((blob as Buffer)[0]).toBe(taken++)
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  expect(taken).toBe(60)
})

test('an error in mid-stream comes after what was yielded before it', async () => {
  const got: unknown[] = []
  const error = await failure(
    (async () => {
      for await (const n of echo.breaks()) got.push(n)
    })(),
  )
  expect(got).toEqual([1, 2])
  expect([error.code, error.cause.name, error.cause.message]).toEqual(['MON_DIRTY_APP', 'RangeError', 'half way'])
})

test('iterating a value yields it once', async () => {
  expect(await collect(echo.echo([1, 2]))).toEqual([[1, 2]])
})

test('awaiting a stream is refused, and stops it', async () => {
  await echo.notes()
  const error = await failure(echo.tokens(1e9))
  expect([error.name, error.code]).toEqual(['DirtyError', 'MON_DIRTY_IS_STREAM'])
  expect(await echo.with({ timeoutMs: 10_000 }).notes()).toEqual(['finally'])
})

test('the error of an app comes with name, message, code, cause, fields and the place where it was thrown', async () => {
  const error = await failure(echo.fails())
  expect(error).toBeInstanceOf(door.DirtyAppError)
  expect(error).toBeInstanceOf(door.DirtyError)
  expect([error.name, error.code, error.facts.app, error.facts.action]).toEqual(['DirtyAppError', 'MON_DIRTY_APP', 'echo', 'fails'])
  const { cause } = error
  expect(cause).toBeInstanceOf(TypeError)
  expect([cause.name, cause.message, cause.code]).toEqual(['TypeError', 'no good', 'E_NO'])
  expect(cause.extra).toEqual(new Map([[1, 2]]))
  expect(cause.stack).toContain('echo.mjs')
  expect([cause.cause.message, cause.cause.code, cause.cause.cause.name]).toEqual(['deep', 'E_DEEP', 'RangeError'])
})

test('whatever an app throws is told', async () => {
  const causes = []
  for (const what of ['text', 5, null, undefined, { a: 1 }]) causes.push((await failure(echo.throwsOdd(what))).cause.message)
  expect(causes).toEqual(['text', '5', 'null', 'undefined', '{"a":1}'])
  const named = await failure(echo.named())
  expect([named.code, named.cause.name, named.cause.refusal]).toEqual(['MON_DIRTY_APP', 'QuotaError', 'mine'])
})

test('an argument that cannot be sent is named by its number, and nothing is called', async () => {
  const error = await failure(echo.echo(1, () => 1))
  expect(error).toBeInstanceOf(door.DirtyNotSerializableError)
  expect([error.code, error.facts.what]).toEqual(['MON_DIRTY_NOT_SERIALIZABLE', 'argument 2 of echo.echo'])
  expect((await failure(echo.echo(Symbol('x')))).code).toBe('MON_DIRTY_NOT_SERIALIZABLE')
  expect((await failure(echo.echo(1, 2, Promise.resolve()))).facts.what).toBe('argument 3 of echo.echo')
})

test('an answer that cannot be sent is told as that', async () => {
  expect((await failure(echo.returnsFunction())).code).toBe('MON_DIRTY_NOT_SERIALIZABLE')
  expect((await failure(collect(echo.yieldsFunction()))).code).toBe('MON_DIRTY_NOT_SERIALIZABLE')
  expect(await echo.echo(1)).toBe(1)
})

test('what is no action cannot be called', async () => {
  for (const name of ['missing', 'notAction', 'hasOwnProperty', 'toString', '__proto__x', '_private', 'init', 'constructor']) {
    const error = await failure(door.getDirtyClient({ socket: socketOf(server) }).execute('echo', name))
    expect(error).toBeInstanceOf(door.DirtyAppNotFoundError)
    expect([error.code, error.facts.app, error.facts.action]).toEqual(['MON_DIRTY_NO_ACTION', 'echo', name])
  }
  for (const name of ['_private', 'then', 'toJSON', 'init', 'close', 'constructor', 'catch', 'finally']) expect(echo[name]).toBe(undefined)
  expect(await Promise.resolve(echo)).toBe(echo)
})

test('an app that is not there is told with the nearest name', async () => {
  const error = await failure(appOf(server, 'ecko').echo(1))
  expect(error).toBeInstanceOf(door.DirtyAppNotFoundError)
  expect([error.code, error.facts.app]).toEqual(['MON_DIRTY_NO_APP', 'ecko'])
  expect(error.message).toContain('echo')
})

test('a frame beyond the limit is refused on either way, and disturbs no other call', async () => {
  const over = Buffer.alloc(81 * 2 ** 20)
  const sent = await failure(echo.count(over))
  expect(sent).toBeInstanceOf(door.DirtyFrameTooLargeError)
  expect([sent.code, sent.facts.bytes > over.length]).toEqual(['MON_DIRTY_FRAME', true])
  expect((await failure(echo.big(over.length))).code).toBe('MON_DIRTY_FRAME')
  expect((await failure(collect(echo.blobs(1, over.length)))).code).toBe('MON_DIRTY_FRAME')
  expect(await echo.echo('goes on')).toBe('goes on')
  expect(server.all('worker.died')).toEqual([])
})

test('Gunicorn’s spelling calls and streams', async () => {
  const client = door.getDirtyClient({ socket: socketOf(server), timeoutMs: 10_000 })
  expect(await client.execute('echo', 'echo', 7)).toBe(7)
  expect(await collect(client.stream('echo', 'tokens', 3))).toEqual([0, 1, 2])
})

test('a call that nobody awaits is made, and its failure ends nobody', async () => {
  void echo.fails()
  void echo.fire(door.proxy(() => undefined))
  await poll(async () => (await echo.echo(1)) === 1)
})
