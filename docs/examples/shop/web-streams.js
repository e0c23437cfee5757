// Streaming answers as web Responses: for Hono, h3 and plain fetch handlers. There are no trailers in this interface.
import { letters } from './bodies.js'
import { eventStreamHeaders } from './events.js'

/** Sends the body back while it still comes in. @param {Request} request */
export function echo(request) {
  const headers = new Headers({ 'content-type': request.headers.get('content-type') ?? 'application/octet-stream' })
  const bodyBytes = request.headers.get('content-length')
  if (bodyBytes !== null) headers.set('x-body-bytes', bodyBytes)
  return new Response(request.body, { headers })
}

/** @param {{ chunks: number, size: number }} amount */
export function letterStream({ chunks, size }) {
  return new Response(ReadableStream.from(letters(chunks, size)), { headers: { 'content-type': 'text/plain' } })
}

/** A client that leaves cancels the stream, and that returns the generator. @param {AsyncIterable<string>} events */
export function eventStream(events) {
  return new Response(ReadableStream.from(events).pipeThrough(new TextEncoderStream()), { headers: eventStreamHeaders })
}
