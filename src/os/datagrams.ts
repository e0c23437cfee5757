/** Datagrams to one place, sent and forgotten: what cannot be sent is dropped, and nobody waits for it. */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { problemOf } from '../base/errors.ts'
import { createFlushWaits, flushBoxMs } from '../base/flush-waits.ts'

export interface Datagrams {
  send(text: string): void
  /** For exit paths: settles when what was sent is with the kernel, or after `boxMs`. */
  flush(boxMs?: number): Promise<void>
  close(): void
}

/** Told once, until it works again. */
export type OnDatagramProblem = (problem: string) => void

/** A name may come to mean another host. */
const lookAgainMs = 60_000
const retryMs = 5_000
/** Kept while the name is looked up for the first time. */
const waitingMax = 64

/** By UDP. The name is resolved beside the loop, again every minute, and the socket is connected, so that a packet costs no lookup. */
export function udpDatagrams(host: string, port: number, onProblem: OnDatagramProblem): Datagrams {
  let socket: Socket | null = null
  let address = ''
  let waiting: string[] = []
  let underWay = 0
  let isFailing = false
  let isClosed = false
  const flushes = createFlushWaits()
  let timer: NodeJS.Timeout | undefined

  const settle = () => {
    if (underWay === 0 && waiting.length === 0) flushes.settle()
  }

  function give(to: Socket, text: string): void {
    underWay++
    to.send(text, () => {
      // Refused, or no way there: that is the receiver's affair, and tells nothing of the next.
      underWay--
      settle()
    })
  }

  async function look(): Promise<void> {
    let nextMs = lookAgainMs
    try {
      // IPv4 first: most of what listens for datagrams on localhost listens there alone.
      const found = await lookup(host, { verbatim: false })
      if (isClosed) return
      if (found.address !== address || socket === null) connect(found.address, found.family)
      isFailing = false
    } catch (error) {
      if (!isFailing) onProblem(problemOf(error))
      isFailing = true
      nextMs = retryMs
      waiting = []
      settle()
    }
    if (isIP(host) === 0 || isFailing) timer = setTimeout(() => void look(), nextMs).unref()
  }

  function connect(to: string, family: number): void {
    socket?.close()
    const opened = createSocket(family === 6 ? 'udp6' : 'udp4')
    opened.unref()
    opened.on('error', () => undefined) // told by the kernel of a packet before: it is gone
    address = to
    socket = null
    opened.connect(port, to, () => {
      if (isClosed) return
      socket = opened
      for (const text of waiting) give(opened, text)
      waiting = []
      settle()
    })
  }

  void look()
  return {
    send(text) {
      if (socket !== null) give(socket, text)
      else if (!isFailing && waiting.length < waitingMax) waiting.push(text)
    },
    flush(boxMs = flushBoxMs) {
      if (underWay === 0 && waiting.length === 0) return Promise.resolve()
      return flushes.wait(boxMs)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      socket?.close()
      socket = null
    },
  }
}
