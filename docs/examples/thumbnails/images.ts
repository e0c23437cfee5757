// The dirty app: it runs in the processes of the pool, never in the service.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UnrecoverableError } from 'bullmq'
import { decode, encodePng, type Image } from 'image-js'
import type { JobHandle } from 'monoceros/bullmq'
import { DirtyApp } from 'monoceros/dirty'

export interface Order {
  /** Path of a PNG. */
  readonly picture: string
  readonly widthPx: number
  /** Where the thumbnail goes. */
  readonly folder: string
}

export interface Thumbnail {
  readonly file: string
  readonly widthPx: number
  readonly heightPx: number
  readonly bytes: number
  readonly tookMs: number
  /** Who made it. */
  readonly pid: number
}

export class ImageApp extends DirtyApp {
  async thumbnail({ picture, widthPx, folder }: Order, job: JobHandle<Order>): Promise<Thumbnail> {
    const startedMs = performance.now()
    const image = decoded(await readFile(picture), picture)
    await job.updateProgress(40)

    // Several pixels become one: what is finer than that would flicker. The middle of a blur is a pixel, so its size is odd.
    const odd = 2 * Math.floor(image.width / widthPx / 2) + 1
    const calm = odd === 1 ? image : image.blur({ width: odd, height: odd })
    const small = calm.resize({ width: widthPx })
    await job.updateProgress(90)

    const bytes = encodePng(small.bitDepth === 16 ? small.convertBitDepth(8) : small)
    const file = join(folder, `${basename(picture, '.png')}-${widthPx}.png`)
    await mkdir(folder, { recursive: true })
    // Whoever dies here leaves no half a picture, and the job may be done again.
    await writeFile(`${file}.${process.pid}`, bytes)
    await rename(`${file}.${process.pid}`, file)
    await job.log(`attempt ${job.attemptsStarted}: ${image.width} × ${image.height}, ${image.colorModel} of ${image.bitDepth} bits`)
    const tookMs = Math.round(performance.now() - startedMs)
    return { file, widthPx: small.width, heightPx: small.height, bytes: bytes.length, tookMs, pid: process.pid }
  }
}

/** What is no picture now will be none at the next attempt. */
function decoded(bytes: Uint8Array, picture: string): Image {
  try {
    return decode(bytes)
  } catch (error) {
    throw new UnrecoverableError(`${picture} is no picture: ${error instanceof Error ? error.message : error}`)
  }
}
