import { DirtyApp } from 'monoceros/dirty'

export class ImageApp extends DirtyApp {
  async thumbnail(pixels: Uint8Array, { widthPx }: { widthPx: number }): Promise<Uint8Array> {
    return pixels.filter((_, index) => index % Math.ceil(pixels.length / widthPx) === 0)
  }

  async *tiles(pixels: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < pixels.length; from += 256) yield pixels.subarray(from, from + 256)
  }
}
