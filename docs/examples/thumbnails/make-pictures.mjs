// Makes the pictures of this example: PNG in every way that a camera, a scanner or a drawing program has. Nothing is copied from
// anywhere. `node docs/examples/thumbnails/make-pictures.mjs` makes the same files again.
import { writeFileSync } from 'node:fs'
import { crc32, deflateSync } from 'node:zlib'

const kinds = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 }
const samplesOf = { grey: 1, rgb: 3, palette: 1, greyAlpha: 2, rgba: 4 }

/**
 * @param {{ kind: keyof typeof kinds, widthPx: number, heightPx: number, bits?: 8 | 16, palette?: number[][] }} options
 * @param {(x: number, y: number) => number[]} sampleAt from 0 to 1, or the number of a color of the palette
 */
function png({ kind, widthPx, heightPx, bits = 8, palette }, sampleAt) {
  const bytesEach = bits / 8
  const rowBytes = 1 + widthPx * samplesOf[kind] * bytesEach
  const rows = Buffer.alloc(rowBytes * heightPx)
  for (let y = 0; y < heightPx; y++) {
    // Each byte as the difference to the one above it: smooth pictures become small.
    let at = y * rowBytes
    rows[at++] = 2
    for (let x = 0; x < widthPx; x++) {
      for (const sample of sampleAt(x / widthPx, y / heightPx)) {
        const value = kind === 'palette' ? sample : Math.round(Math.min(1, Math.max(0, sample)) * (2 ** bits - 1))
        rows.writeUIntBE(value, at, bytesEach)
        at += bytesEach
      }
    }
  }
  for (let at = rows.length - 1; at >= rowBytes; at--) if (at % rowBytes !== 0) rows[at] = (rows[at] - rows[at - rowBytes]) & 255
  const head = Buffer.alloc(13)
  head.writeUInt32BE(widthPx, 0)
  head.writeUInt32BE(heightPx, 4)
  head.set([bits, kinds[kind]], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    ...(palette === undefined ? [] : [chunk('PLTE', Buffer.from(palette.flat()))]),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** @param {string} name @param {Buffer} data */
function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  frame.set(body, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

const wave = (/** @type {number} */ at) => 0.5 + 0.5 * Math.sin(2 * Math.PI * at)
/** Mountains, one range behind the other, and a sun. @param {number} x @param {number} y */
function landscape(x, y) {
  for (const range of [1, 2, 3]) {
    const ridge = 0.93 - 0.13 * range - 0.06 * wave(x * (0.7 + 0.4 * range) + range / 3) - 0.012 * wave(x * 11 * range)
    if (y > ridge) return [0.04 + 0.12 * range, 0.12 + 0.11 * range, 0.2 + 0.1 * range - 0.1 * y]
  }
  const sun = Math.hypot((x - 0.7) * 1.5, y - 0.28)
  return sun < 0.09 ? [1, 0.93, 0.6] : [0.95 - 0.35 * y - 0.3 * sun, 0.55 + 0.3 * y - 0.2 * sun, 0.45 + 0.4 * y]
}
/** The nodes of two waves that meet. @param {number} x @param {number} y */
const ripples = (x, y) => wave(12 * Math.hypot(x - 0.3, y - 0.4)) * wave(9 * Math.hypot(x - 0.8, y - 0.6))
/** A ring that fades to nothing. @param {number} x @param {number} y */
function ring(x, y) {
  const distance = Math.hypot(x - 0.5, y - 0.5)
  return [0.2 + 0.8 * x, 0.4, 0.2 + 0.8 * y, Math.max(0, 1 - 9 * Math.abs(distance - 0.33))]
}
/** Tiles that never repeat. @param {number} x @param {number} y */
const tile = (x, y) => (Math.floor(x * 16) * 5 + Math.floor(y * 12) * 7 + Math.floor(x * 4) * Math.floor(y * 3)) % 5
const colours = [
  [38, 70, 83],
  [42, 157, 143],
  [233, 196, 106],
  [244, 162, 97],
  [231, 111, 81],
]

const pictures = {
  landscape: png({ kind: 'rgb', widthPx: 900, heightPx: 600 }, landscape),
  ripples: png({ kind: 'grey', widthPx: 560, heightPx: 560 }, (x, y) => [ripples(x, y)]),
  'ripples-deep': png({ kind: 'grey', widthPx: 240, heightPx: 180, bits: 16 }, (x, y) => [ripples(x, y)]),
  ring: png({ kind: 'rgba', widthPx: 640, heightPx: 640 }, ring),
  haze: png({ kind: 'greyAlpha', widthPx: 500, heightPx: 300 }, (x, y) => [wave(x * 2), wave(y + x)]),
  tiles: png({ kind: 'palette', widthPx: 800, heightPx: 600, palette: colours }, (x, y) => [tile(x, y)]),
}
for (const [name, bytes] of Object.entries(pictures)) writeFileSync(new URL(`pictures/${name}.png`, import.meta.url), bytes)
