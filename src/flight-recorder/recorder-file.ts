/**
 * The file that every process of a server appends to. A line is in the kernel before the step that made it has led to
 * anything else, so that it is there even if the process is killed by SIGKILL right after. That is a wait of microseconds,
 * since an append goes to memory; where one has taken long (a disk that stalls, a network), the next ones are handed to
 * threads for a while and not waited for. Appends of one write never mix; those of threads may change places, which a reader
 * mends by `pid` and `seq`.
 */
import fs from 'node:fs'
import { problemOf } from '../base/errors.ts'
import { createFlushWaits, flushBoxMs } from '../base/flush-waits.ts'
import { appendFlags, fileMode } from '../log/descriptor.ts'
import type { OnProblem } from '../log/sink.ts'

export interface RecorderFile {
  /** Takes one line without its newline. */
  write(line: string): void
  /** Opens the path again, after somebody has put another file there. */
  reopen(): void
  /** Others have written: tells the size in a moment, as after a line of its own. */
  look(): void
  /** Settles when all lines are written, or 500 ms have passed. */
  flush(): Promise<void>
  readonly dropped: number
}

export interface RecorderFileOptions {
  readonly path: string
  readonly onProblem: OnProblem
  /** After some writes: how large the file is by now. */
  onSize?(bytes: number): void
}

interface Opened {
  readonly fd: number
  readonly stat: fs.Stats
}

/** An append that took this long was not to memory. */
const stallMs = 200
/** For how long none is waited for after that. */
const besideMs = 10_000
/** As many writes as may be under way; the others wait for one of them. */
const underWayMax = 32
const waitingMax = 5_000
/** How often it is looked whether the path still leads to the file that is open. */
const lookMs = 250

export function createRecorderFile({ path, onProblem, onSize }: RecorderFileOptions): RecorderFile {
  // At once: what comes next may be a module that blocks the loop while it is imported.
  let opened = openNow(path)
  let isOpening = false
  /** Asked for while it is being opened, perhaps a moment too early. */
  let isReopenDue = false
  let underWay = 0
  let waiting: string[] = []
  /** Written since the last look: if the file was gone by then, they are written once more. */
  let unproven: string[] = []
  let isTorn = false
  let slowUntilMs = 0
  let dropped = 0
  let toldDropped = 0
  let problem = ''
  let retired: number[] = []
  let lookTimer: NodeJS.Timeout | undefined
  const flushes = createFlushWaits()

  function open(): void {
    isOpening = true
    isReopenDue = false
    fs.open(path, appendFlags, fileMode, (error, fd) => {
      if (error !== null) return onOpened(error, null)
      fs.fstat(fd, (statError, stat) => (statError === null ? onOpened(null, { fd, stat }) : onOpened(statError, null)))
    })
  }

  function onOpened(error: Error | null, next: Opened | null): void {
    isOpening = false
    if (error !== null) fail(error)
    // A write under way keeps the old one for as long as it takes.
    if (next !== null) {
      const old = opened
      if (old !== null) retire(old.fd)
      opened = next
      isTorn = false
    }
    if (isReopenDue) open()
    else if (opened === null) drop(waiting.splice(0).length)
    else pump()
    settle()
  }

  function retire(fd: number): void {
    retired.push(fd)
    closeRetired()
  }
  function closeRetired(): void {
    if (underWay > 0) return
    for (const fd of retired) fs.close(fd, () => undefined)
    retired = []
  }

  function pump(): void {
    while (waiting.length > 0 && underWay < underWayMax && opened !== null) append(opened, waiting.shift() as string)
  }

  function append(to: Opened, line: string): void {
    // Of a full disk half a line may be left, which must not swallow the next.
    const bytes = Buffer.from(isTorn ? `\n${line}\n` : `${line}\n`)
    isTorn = false
    if (to.stat.isFile() && performance.now() >= slowUntilMs) appendNow(to, line, bytes)
    else appendBeside(to, line, bytes)
  }

  function appendNow(to: Opened, line: string, bytes: Buffer): void {
    const beganMs = performance.now()
    try {
      onWritten(to, line, fs.writeSync(to.fd, bytes) === bytes.length)
    } catch (error) {
      drop(1)
      fail(error)
    }
    if (performance.now() - beganMs > stallMs) slowUntilMs = performance.now() + besideMs
  }

  function appendBeside(to: Opened, line: string, bytes: Buffer): void {
    underWay++
    fs.write(to.fd, bytes, 0, bytes.length, null, (error, written) => {
      underWay--
      closeRetired()
      if (error === null) onWritten(to, line, written === bytes.length)
      else {
        drop(1)
        fail(error)
      }
      pump()
      settle()
    })
  }

  function onWritten({ stat }: Opened, line: string, isWhole: boolean): void {
    if (!isWhole) {
      isTorn = true
      drop(1)
      return
    }
    problem = ''
    tellDropped()
    if (!stat.isFile()) return
    unproven.push(line)
    look()
  }

  function look(): void {
    if (lookTimer === undefined) lookTimer = setTimeout(lookNow, lookMs).unref()
  }

  /** A rotation by anybody is seen within moments, also by a process that was not told. */
  function lookNow(): void {
    lookTimer = undefined
    const was = opened
    if (was === null) return
    fs.stat(path, (error, there) => {
      if (opened !== was) return
      const isSame = error === null && there.ino === was.stat.ino && there.dev === was.stat.dev
      const written = unproven
      unproven = []
      if (isSame) {
        onSize?.(there.size)
        return
      }
      fs.fstat(was.fd, (_, own) => {
        // Nobody can read them any more where they are. In a file that was only moved they are found.
        if (own?.nlink === 0) {
          waiting = [...written, ...waiting].slice(0, waitingMax)
          opened = null
          retire(was.fd)
        }
        if (!isOpening) open()
      })
    })
  }

  function drop(count: number): void {
    dropped += count
  }

  function fail(error: unknown): void {
    const text = problemOf(error)
    if (text === problem) return
    problem = text
    tell('log.failed', { destination: path, problem: text })
  }

  function tellDropped(): void {
    if (dropped === toldDropped) return
    const count = dropped - toldDropped
    toldDropped = dropped
    tell('log.dropped', { count, destination: path })
  }

  function tell(...facts: Parameters<OnProblem>): void {
    try {
      onProblem(...facts)
    } catch {
      // a recorder must not end the process because nobody could be told that it failed
    }
  }

  function settle(): void {
    if (underWay === 0 && waiting.length === 0 && !isOpening) flushes.settle()
  }

  return {
    write(line) {
      if (waiting.length >= waitingMax) return drop(1)
      if (opened !== null && underWay < underWayMax && waiting.length === 0) return append(opened, line)
      waiting.push(line)
      if (opened === null && !isOpening) open()
    },
    reopen() {
      if (isOpening) isReopenDue = true
      else open()
    },
    look() {
      if (opened?.stat.isFile() === true) look()
    },
    flush() {
      if (underWay === 0 && waiting.length === 0 && !isOpening) return Promise.resolve()
      return flushes.wait(flushBoxMs)
    },
    get dropped() {
      return dropped
    },
  }
}

/** Null when it cannot be: the first line asks again, and gets the reason. */
function openNow(path: string): Opened | null {
  try {
    const fd = fs.openSync(path, appendFlags, fileMode)
    return { fd, stat: fs.fstatSync(fd) }
  } catch {
    return null
  }
}
