/** Sees the streams of an HTTP/2 server that handles them itself, without requests and responses. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { nowMs, type Pulse } from '../ipc/pulse.ts'
import type { AccessLog } from '../log/access-log.ts'

interface StreamWatch {
  readonly accessLog: AccessLog | null
  readonly onCounted: ((status: number, tookMs: number) => void) | null
  onFinished(): void
}

/** What the app does with the stream is its own affair: that it is under way, and how it ended, is ours. */
export function watchStream(
  stream: ServerHttp2Stream,
  head: IncomingHttpHeaders,
  pulse: Pulse,
  { accessLog, onCounted, onFinished }: StreamWatch,
): void {
  const method = String(head[':method'])
  const url = String(head[':path'])
  const startedMs = nowMs()
  const place = pulse.begin(method, url, startedMs)
  const remote = stream.session?.socket.remoteAddress ?? null
  stream.once('close', () => {
    const { headersSent, rstCode, sentHeaders } = stream
    const statusCode = Number(sentHeaders?.[':status'] ?? 0)
    const tookMs = nowMs() - startedMs
    pulse.end(place, headersSent ? statusCode : 0, rstCode === 0, tookMs)
    onCounted?.(headersSent ? statusCode : 0, tookMs)
    const req = { method, url, httpVersion: '2.0', headers: head } as IncomingMessage
    const res = { headersSent, statusCode, getHeader: (name: string) => sentHeaders?.[name] } as ServerResponse
    accessLog?.write({ req, res, tookMs, bodyBytes: null, remote, pid: process.pid })
    onFinished()
  })
}
