/** One end of a lane: records out and in, big payloads by transfer, and the bell that wakes the other end. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { type Record, readRing, writeRing } from './ring.ts'

export interface LineOptions {
  readonly outgoing: SharedArrayBuffer
  readonly incoming: SharedArrayBuffer
  /** Wakes the other end, and is woken by it. */
  readonly bell: MessagePort
  /** Carries payloads too big for the ring; never started: each is fetched when its record is read. */
  readonly freight: MessagePort
  onRecord(record: Record): void
  /** Records were read, and for now there are no more. */
  onRead?(): void
}

export interface Line {
  send(kind: number, slot: number, stamp: number, a?: number, b?: number): void
  sendText(kind: number, slot: number, stamp: number, a: number, b: number, text: string, encoding: 'latin1' | 'utf8'): void
  /** The bytes are copied: whoever gave them may use them again. */
  sendBytes(kind: number, slot: number, stamp: number, a: number, b: number, bytes: Uint8Array): void
  /** Wakes the other end if it sleeps; what was sent may lie unread until then. */
  ring(): void
  /** The caller promises to `read` soon: until then the other end need not ring. */
  stayAwake(): void
  /** Reads what there is; true when it stopped at the limit. */
  read(max: number): boolean
  textOf(record: Record): string
  /** Whole and on its own: the ring's place is used again. */
  bytesOf(record: Record): Buffer
  /** The other end has not read all that was sent. */
  readonly isUnread: boolean
  /** Bytes that could not be sent yet. */
  readonly heldBytes: number
  close(): void
}

interface Held {
  readonly kind: number
  readonly slot: number
  readonly stamp: number
  readonly a: number
  readonly b: number
  readonly payload: Uint8Array | null
}

/** What fits into a record; a body goes in pieces of at most this, since what is transferred waits as garbage for a collection. */
export const inlineMaxBytes = 16 * 1024
/** Set in the kind of a record whose payload comes by freight. */
const byFreight = 0x80
const readMax = 512

export function openLine(options: LineOptions): Line {
  const { bell, freight, onRecord } = options
  const writer = writeRing(options.outgoing)
  const reader = readRing(options.incoming)
  const record: Record = { kind: 0, slot: 0, stamp: 0, a: 0, b: 0, offset: 0, length: 0 }
  let held: Held[] = []
  let heldBytes = 0
  let isReading = false
  /** Whether the record at hand has a payload in freight that was not fetched yet. */
  let isFreightDue = false

  function hold(entry: Held): void {
    held.push(entry)
    heldBytes += entry.payload?.byteLength ?? 0
    writer.wantRoom()
  }

  function write({ kind, slot, stamp, a, b, payload }: Held): boolean {
    if (payload === null || payload.byteLength <= inlineMaxBytes) {
      const length = payload?.byteLength ?? 0
      const offset = writer.reserve(length)
      if (offset === -1) return false
      if (payload !== null) writer.bytes.set(payload, offset)
      writer.commit(kind, slot, stamp, a, b, length)
      return true
    }
    if (writer.reserve(0) === -1) return false
    const whole = Uint8Array.prototype.slice.call(payload).buffer as ArrayBuffer
    freight.postMessage(whole, [whole])
    writer.commit(kind | byFreight, slot, stamp, a, b, 0)
    return true
  }

  /** What waits goes first: records of one request must not overtake each other. */
  function put(entry: Held): void {
    if (held.length > 0 || !write(entry))
      hold(entry.payload === null ? entry : { ...entry, payload: Uint8Array.prototype.slice.call(entry.payload) })
  }

  function sendHeld(): void {
    let sent = 0
    while (sent < held.length && write(held[sent]!)) heldBytes -= held[sent++]!.payload?.byteLength ?? 0
    if (sent > 0) held = held.slice(sent)
    if (held.length === 0) return
    writer.wantRoom()
    // Room may have come just before we asked for it: then nobody rings.
    if (sent === 0 && write(held[0]!)) {
      heldBytes -= held.shift()!.payload?.byteLength ?? 0
      sendHeld()
    }
  }

  function read(max: number): boolean {
    if (isReading) return false
    isReading = true
    let count = 0
    try {
      for (;;) {
        while (count < max && reader.next(record)) {
          count++
          isFreightDue = (record.kind & byFreight) !== 0
          record.kind &= ~byFreight
          onRecord(record)
          // Nobody wanted it; the next one's must not be taken for it.
          if (isFreightDue) takeFreight()
        }
        if (count >= max) return true
        if (reader.sleep()) return false
      }
    } finally {
      isReading = false
      if (reader.takeCramped()) bell.postMessage(0)
      if (count > 0) options.onRead?.()
    }
  }

  bell.on('message', () => {
    if (held.length > 0) {
      sendHeld()
      line.ring()
    }
    if (read(readMax)) setImmediate(readOn)
  })

  function readOn(): void {
    if (read(readMax)) setImmediate(readOn)
  }

  const line: Line = {
    send: (kind, slot, stamp, a = 0, b = 0) => {
      const isSent = held.length === 0 && writer.reserve(0) !== -1
      if (isSent) writer.commit(kind, slot, stamp, a, b, 0)
      else put({ kind, slot, stamp, a, b, payload: null })
    },
    sendText(kind, slot, stamp, a, b, text, encoding) {
      const isUtf8 = encoding === 'utf8'
      const bytesMax = isUtf8 ? text.length * 3 : text.length
      if (held.length === 0 && bytesMax <= inlineMaxBytes) {
        const offset = writer.reserve(bytesMax)
        if (offset !== -1) {
          const length = writer.bytes.write(text, offset, bytesMax, encoding)
          writer.commit(kind, slot, stamp, a, b, length)
          return
        }
      }
      put({ kind, slot, stamp, a, b, payload: Buffer.from(text, encoding) })
    },
    sendBytes: (kind, slot, stamp, a, b, bytes) => put({ kind, slot, stamp, a, b, payload: bytes }),
    ring() {
      if (writer.takeSleeper()) bell.postMessage(0)
    },
    stayAwake: reader.stayAwake,
    read,
    textOf(of) {
      if (isFreightDue) return takeFreight().toString('latin1')
      return reader.bytes.toString('latin1', of.offset, of.offset + of.length)
    },
    bytesOf(of) {
      if (isFreightDue) return takeFreight()
      return Buffer.from(reader.bytes.subarray(of.offset, of.offset + of.length))
    },
    get isUnread() {
      return held.length > 0 || writer.isUnread
    },
    get heldBytes() {
      return heldBytes
    },
    close() {
      bell.close()
      freight.close()
    },
  }

  function takeFreight(): Buffer {
    isFreightDue = false
    const message = receiveMessageOnPort(freight)?.message as ArrayBuffer | undefined
    // It was posted before its record was written.
    if (message === undefined) throw new Error('a record of a lane came without its payload')
    return Buffer.from(message)
  }

  return line
}
