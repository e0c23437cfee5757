/** What the compiler knows of a dirty app from the outside. `npm run check` is what fails here; at run time little is left. */
import { expect, expectTypeOf, test } from 'vitest'
import { DirtyApp, type DirtyCall, type DirtyProxy, type DirtyStream, dirty, proxy } from '../../../src/dirty.ts'

interface Size {
  widthPx: number
}

class ImageApp extends DirtyApp {
  static override workers = 2
  /** State is not an action. */
  count = 0
  override async init() {}
  override close() {}
  async thumbnail(png: Uint8Array, { widthPx }: Size): Promise<Uint8Array> {
    return png.subarray(0, widthPx)
  }
  area(size: Size, heightPx = 1): number {
    return size.widthPx * heightPx
  }
  nothing(): void {}
  async find(name: string): Promise<Size | null> {
    return name === '' ? null : { widthPx: 1 }
  }
  isWide({ widthPx }: Size): boolean {
    return widthPx > 100
  }
  async *tiles(png: Uint8Array): AsyncGenerator<Uint8Array, string> {
    yield png
    return 'all'
  }
  *rows(count: number): Generator<number> {
    yield count
  }
  async opened(): Promise<AsyncGenerator<number, boolean>> {
    return (async function* () {
      yield 1
      return true
    })()
  }
  readable(): AsyncIterable<string> {
    return this.words()
  }
  private async *words() {
    yield 'a'
  }
  async watch(onPercent: (percent: number) => void | Promise<void>): Promise<'done'> {
    await onPercent(100)
    return 'done'
  }
  scale(by: number): number
  scale(by: string): string
  scale(by: number | string): number | string {
    return by
  }
  // biome-ignore lint/suspicious/noExplicitAny: as in an app without types
  loose(value: any): any {
    return value
  }
  _own(): number {
    return this.count
  }
  [Symbol.dispose](): void {}
}

type Images = DirtyProxy<ImageApp>

test('arguments are those of the method, and what a call answers is its value, awaited', () => {
  expectTypeOf<Images['thumbnail']>().toEqualTypeOf<(png: Uint8Array, size: Size) => DirtyCall<Uint8Array>>()
  expectTypeOf<Parameters<Images['area']>>().toEqualTypeOf<[size: Size, heightPx?: number | undefined]>()
  expectTypeOf<ReturnType<Images['area']>>().toEqualTypeOf<DirtyCall<number>>()
  expectTypeOf<ReturnType<Images['nothing']>>().toEqualTypeOf<DirtyCall<void>>()
  expectTypeOf<ReturnType<Images['find']>>().toEqualTypeOf<DirtyCall<Size | null>>()
  expectTypeOf<ReturnType<Images['isWide']>>().toEqualTypeOf<DirtyCall<boolean>>()
  expectTypeOf<Awaited<ReturnType<Images['thumbnail']>>>().toEqualTypeOf<Uint8Array>()
  const calls = (images: Images) => {
    // @ts-expect-error: not a number of pixels
    void images.area({ widthPx: '1' })
    // @ts-expect-error: one argument is missing
    void images.thumbnail(new Uint8Array())
  }
  expect(calls).toBeTypeOf('function')
})

test('a value can be handled like a promise, and iterated', () => {
  type Call = ReturnType<Images['area']>
  expectTypeOf<Call>().toExtend<PromiseLike<number>>()
  expectTypeOf<Call>().toExtend<AsyncIterable<number>>()
  expectTypeOf<ReturnType<Call['finally']>>().toEqualTypeOf<Promise<number>>()
  const caught = (call: Call) => call.catch(() => null)
  expectTypeOf(caught).returns.resolves.toEqualTypeOf<number | null>()
})

test('generators of every kind are iterated, and what they return is known', () => {
  expectTypeOf<ReturnType<Images['tiles']>>().toEqualTypeOf<DirtyStream<Uint8Array, string>>()
  expectTypeOf<ReturnType<Images['rows']>>().toExtend<AsyncIterable<number>>()
  expectTypeOf<ReturnType<Images['opened']>>().toEqualTypeOf<DirtyStream<number, boolean>>()
  expectTypeOf<ReturnType<Images['readable']>>().toExtend<AsyncIterable<string>>()
  const read = async (images: Images) => {
    for await (const tile of images.tiles(new Uint8Array())) return tile
    return null
  }
  expectTypeOf(read).returns.resolves.toEqualTypeOf<Uint8Array | null>()
  // @ts-expect-error: a stream has no value to wait for
  type _noThen = ReturnType<Images['tiles']>['then']
})

test('reserved names, state, private methods and symbols are no actions', () => {
  expectTypeOf<keyof Images>().toEqualTypeOf<
    'thumbnail' | 'area' | 'nothing' | 'find' | 'isWide' | 'tiles' | 'rows' | 'opened' | 'readable' | 'watch' | 'scale' | 'loose' | 'with'
  >()
  const images = dirty<ImageApp>('images')
  for (const name of ['then', 'catch', 'finally', 'toJSON', 'constructor', 'init', 'close', '_own']) {
    expect((images as unknown as Record<string, unknown>)[name]).toBe(undefined)
  }
})

test('with() gives the same actions, and no further with()', () => {
  type With = ReturnType<Images['with']>
  expectTypeOf<With['thumbnail']>().toEqualTypeOf<Images['thumbnail']>()
  expectTypeOf<With['tiles']>().toEqualTypeOf<Images['tiles']>()
  expectTypeOf<keyof With>().toEqualTypeOf<Exclude<keyof Images, 'with'>>()
  expectTypeOf<Images['with']>()
    .parameter(0)
    .toExtend<{ timeoutMs?: number; signal?: AbortSignal; priority?: number; key?: string; transfer?: readonly ArrayBuffer[] }>()
})

test('a function is given to the app by proxy()', () => {
  const watch = (images: Images) => images.watch(proxy((percent: number) => void percent))
  expectTypeOf(watch).returns.resolves.toEqualTypeOf<'done'>()
})

test('of overloads the last counts, and an app without types may be called with anything', () => {
  expectTypeOf<Images['scale']>().parameters.toEqualTypeOf<[by: string]>()
  // biome-ignore lint/suspicious/noExplicitAny: what it is about
  expectTypeOf<Awaited<ReturnType<Images['loose']>>>().toEqualTypeOf<any>()
})
