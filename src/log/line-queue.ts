/** Lines on their way out, packed into chunks of whole lines; the first chunk may be half written. */
export class LineQueue {
  readonly #maxBytes: number
  #head: Buffer | null = null
  #isHeadTorn = false
  #chunks: Buffer[] = []
  #tail = ''
  #tailBytes = 0
  /** Bytes not written yet. */
  bytes = 0
  /** Bytes ever taken. */
  takenBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isHalfEmpty(): boolean {
    return this.bytes <= this.#maxBytes / 2
  }

  /** False when there is no room. `bytes` is the line's length in UTF-8. A chunk grows to `chunkBytes`; a longer line is a chunk of its own. */
  add(line: string, bytes: number, chunkBytes: number): boolean {
    if (this.bytes + bytes > this.#maxBytes) return false
    if (this.#tailBytes + bytes > chunkBytes) this.#closeTail()
    this.#tail += line
    this.#tailBytes += bytes
    this.bytes += bytes
    this.takenBytes += bytes
    return true
  }

  /** The chunk to write now, or null when all is written. */
  head(): Buffer | null {
    if (this.#head !== null) return this.#head
    if (this.#chunks.length === 0) this.#closeTail()
    this.#head = this.#chunks.shift() ?? null
    return this.#head
  }

  /** That many bytes of the head are out. */
  advance(bytes: number): void {
    const head = this.#head
    if (head === null || bytes === 0) return
    this.bytes -= bytes
    this.#isHeadTorn = head[bytes - 1] !== newline
    this.#head = bytes < head.length ? head.subarray(bytes) : null
  }

  /** Forgets the rest of a line whose beginning is out already; true when there was one. */
  cutTornLine(): boolean {
    const head = this.#head
    if (head === null || !this.#isHeadTorn) return false
    const nextLine = head.indexOf(newline) + 1
    this.advance(nextLine)
    return true
  }

  /** Takes the head away, for a caller that must write what follows it; `putBack` makes it the head again. */
  takeHead(): Buffer | null {
    const head = this.#head
    this.#head = null
    return head
  }

  putBack(head: Buffer | null): void {
    if (head === null) return
    if (this.#head !== null) this.#chunks.unshift(this.#head)
    this.#head = head
    this.#isHeadTorn = false
  }

  #closeTail(): void {
    if (this.#tailBytes === 0) return
    // As many bytes as characters: ASCII, which need not be encoded.
    this.#chunks.push(Buffer.from(this.#tail, this.#tailBytes === this.#tail.length ? 'latin1' : 'utf8'))
    this.#tail = ''
    this.#tailBytes = 0
  }
}

const newline = 10
