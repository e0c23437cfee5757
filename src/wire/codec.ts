/**
 * Values as bytes: structured clone, with big buffers kept beside, where neither end copies them. A buffer comes back as the
 * class it was (`Buffer` as `Buffer`), a view of the frame that brought it.
 */
import { Deserializer, Serializer } from 'node:v8'

export interface Encoded {
  readonly meta: Uint8Array
  readonly buffers: readonly Uint8Array[]
}

/** From here on a buffer travels beside the value. */
const asideMinBytes = 4_096
/** A frame counts them in 16 bits; those beyond travel inside the value. */
const asideMax = 60_000

const views = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
  BigInt64Array, BigUint64Array, DataView,
] as const // biome-ignore format: one line reads better
const bufferKind = views.length
const float16Kind = bufferKind + 1
type View = new (buffer: ArrayBufferLike, offset: number, length: number) => object
/** Newer than our oldest Node. */
const Float16 = (globalThis as { Float16Array?: View & { BYTES_PER_ELEMENT: number } }).Float16Array

class ValueSerializer extends Serializer {
  readonly aside: Uint8Array[] = []

  constructor() {
    super()
    ;(this as unknown as { _setTreatArrayBufferViewsAsHostObjects(isOn: boolean): void })._setTreatArrayBufferViewsAsHostObjects(true)
  }

  /** V8 asks for it with whatever it cannot clone by itself. */
  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object)) throw new TypeError(`${nameOf(object)} could not be cloned.`)
    const kind = kindOf(object)
    if (kind === -1) throw new TypeError(`${nameOf(object)} could not be cloned.`)
    const bytes = new Uint8Array(object.buffer, object.byteOffset, object.byteLength)
    this.writeUint32(kind)
    if (bytes.byteLength >= asideMinBytes && this.aside.length < asideMax) {
      this.writeUint32(1)
      this.writeUint32(this.aside.length)
      this.aside.push(bytes)
    } else {
      this.writeUint32(0)
      this.writeUint32(bytes.byteLength)
      this.writeRawBytes(bytes)
    }
  }

  _getDataCloneError = Error
}

class ValueDeserializer extends Deserializer {
  readonly #aside: readonly Uint8Array[]

  constructor(meta: Uint8Array, aside: readonly Uint8Array[]) {
    super(meta)
    this.#aside = aside
  }

  _readHostObject(): object {
    const kind = this.readUint32()
    const isAside = this.readUint32() === 1
    const number = this.readUint32()
    // Small ones are copied out: a view of the meta part would keep all of it, at an offset that not every class allows.
    const bytes = isAside ? this.#aside[number]! : new Uint8Array(this.readRawBytes(number))
    if (kind === bufferKind) return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
    const Class = kind === float16Kind ? Float16 : views[kind]
    if (Class === undefined) throw new TypeError('a typed array of a class that this Node does not have')
    if (Class === DataView) return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const size = (Class as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
    return new (Class as View)(bytes.buffer, bytes.byteOffset, bytes.byteLength / size)
  }
}

/**
 * Most calls are of a few numbers and words, which JSON has written before a serializer is set up. What V8 writes begins with
 * 255, so the first byte tells them apart.
 */
const asUndefined = 0
const asJson = 1
const wordMax = 256
const plainItemsMax = 8
const none: readonly Uint8Array[] = []

function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= wordMax
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'boolean':
      return true
    default:
      return value === null
  }
}

/** One without holes and with nothing of its own beside the items, which a clone would keep. */
function isPlainList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > plainItemsMax || Object.getPrototypeOf(value) !== Array.prototype) return false
  for (let index = 0; index < value.length; index++) if (!isPlain(value[index])) return false
  return Object.keys(value).length === value.length
}

function plainBytes(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array([asUndefined])
  const text = JSON.stringify(value)
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text))
  bytes[0] = asJson
  bytes.write(text, 1)
  return bytes
}

/** @throws whatever structured clone throws for a function, a symbol, a promise, a class with private state */
export function encode(value: unknown): Encoded {
  if (value === undefined || isPlain(value) || isPlainList(value)) return { meta: plainBytes(value), buffers: none }
  const serializer = new ValueSerializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return { meta: serializer.releaseBuffer(), buffers: serializer.aside }
}

export function isClonable(value: unknown): boolean {
  try {
    encode(value)
    return true
  } catch {
    return false // that is the answer
  }
}

export function decode<T>({ meta, buffers }: Encoded): T {
  if (meta[0] === asUndefined) return undefined as T
  if (meta[0] === asJson) return JSON.parse(Buffer.from(meta.buffer, meta.byteOffset + 1, meta.byteLength - 1).toString()) as T
  const deserializer = new ValueDeserializer(meta, buffers)
  deserializer.readHeader()
  return deserializer.readValue() as T
}

function kindOf(object: object): number {
  if (Buffer.isBuffer(object)) return bufferKind
  if (Float16 !== undefined && object instanceof Float16) return float16Kind
  return views.findIndex((view) => object instanceof view)
}

const nameOf = (object: object) => Object.getPrototypeOf(object)?.constructor?.name ?? 'an object'
