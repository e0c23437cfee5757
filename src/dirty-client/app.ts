import { shared } from './dirty.ts'

/**
 * A dirty app: loaded once in each of its threads, its public methods are the actions that others call. Extending it is a
 * convenience; any class with the same shape will do.
 *
 * @example
 * // images.ts: monoceros app.ts --dirty-app ./images.ts:ImageApp
 * import { DirtyApp } from 'monoceros/dirty'
 *
 * export class ImageApp extends DirtyApp {
 *   static override workers = 2
 *
 *   async thumbnail(pixels: Uint8Array, { widthPx }: { widthPx: number }): Promise<Uint8Array> {
 *     return pixels.filter((_, index) => index % Math.ceil(pixels.length / widthPx) === 0)
 *   }
 *
 *   async *tiles(pixels: Uint8Array): AsyncGenerator<Uint8Array> {
 *     for (let from = 0; from < pixels.length; from += 256) yield pixels.subarray(from, from + 256)
 *   }
 * }
 */
export abstract class DirtyApp {
  /** How many dirty workers load it; null: all. */
  static workers: number | null = null
  /** How many threads of each of these run it, one call at a time each; null: `dirty_threads`. */
  static threads: number | null = null
  /** Tables of the stash that are there before the first call. */
  static stashes: readonly string[] = []

  /** Runs once in each thread, before it is given calls. */
  init(): void | Promise<void> {}
  /** Runs once in each thread, when it stops. */
  close(): void | Promise<void> {}

  /** Fires when the caller of the present call has gone, gave up or ran out of time. */
  get signal(): AbortSignal {
    return shared().signal()
  }
}
