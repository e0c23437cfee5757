/** Lines to a stream socket somewhere, TCP or Unix: connected again when it is lost, with a bounded queue before it. */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { problemOf } from '../base/errors.ts'
import { createFlushWaits, flushBoxMs } from '../base/flush-waits.ts'
import type { Datagrams, OnDatagramProblem } from './datagrams.ts'

const queueMaxBytes = 1_048_576
const firstRetryMs = 250
const longestRetryMs = 30_000
const connectMs = 10_000

/** As with datagrams nobody waits; what does not fit while there is no connection is dropped. */
export function lineStream(target: NetConnectOpts, onProblem: OnDatagramProblem): Datagrams {
  let socket: Socket | null = null
  let isOpen = false
  let isFailing = false
  let isClosed = false
  let queue: string[] = []
  let queuedBytes = 0
  let retryMs = firstRetryMs
  let timer: NodeJS.Timeout | undefined
  const flushes = createFlushWaits()

  const isIdle = () => queue.length === 0 && (socket === null || socket.writableLength === 0)
  const settle = () => {
    if (isIdle()) flushes.settle()
  }

  function open(): void {
    const opened = connect(target)
    opened.unref()
    opened.setTimeout(connectMs, () => opened.destroy(new Error(`no connection within ${connectMs} ms`)))
    let problem = 'the connection was closed'
    opened.once('connect', () => {
      opened.setTimeout(0)
      isOpen = true
      isFailing = false
      retryMs = firstRetryMs
      for (const line of queue) opened.write(line, settle)
      queue = []
      queuedBytes = 0
    })
    opened.resume() // nothing is expected from there, and its end must be seen
    opened.on('error', (error) => {
      problem = problemOf(error)
    })
    opened.once('close', () => {
      isOpen = false
      socket = null
      if (isClosed) return
      if (!isFailing) onProblem(problem)
      isFailing = true
      timer = setTimeout(open, retryMs).unref()
      retryMs = Math.min(retryMs * 2, longestRetryMs)
    })
    socket = opened
  }

  open()
  return {
    send(line) {
      const bytes = Buffer.byteLength(line)
      if (isOpen && socket !== null) {
        // Who does not read is not waited for.
        if (socket.writableLength + bytes <= queueMaxBytes) socket.write(line, settle)
      } else if (queuedBytes + bytes <= queueMaxBytes) {
        queue.push(line)
        queuedBytes += bytes
      }
    },
    flush(boxMs = flushBoxMs) {
      if (isIdle()) return Promise.resolve()
      return flushes.wait(boxMs)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      socket?.end()
    },
  }
}
