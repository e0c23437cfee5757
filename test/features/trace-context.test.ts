/** OpenTelemetry: what an action traces belongs to the trace of whoever called it, by hand or through BullMQ. */
import { join } from 'node:path'
import { context, propagation, type Span, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { BullMQOtel } from 'bullmq-otel'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { bullmqDoor, poolOf } from '../support/bullmq.ts'
import { appOf, collect, startDirtyShared } from '../support/dirty.ts'
import { type Running, root } from '../support/harness.ts'
import { lacksRedis, startRedis } from '../support/redis.ts'

const traced = `
import { createRequire } from 'node:module'
import { DirtyApp } from 'monoceros/dirty'
const require = createRequire(${JSON.stringify(join(root, 'package.json'))})
const { context, propagation, trace } = require('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = require('@opentelemetry/core')
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base')
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }))
trace.setGlobalTracerProvider(new BasicTracerProvider())

function span() {
  const span = trace.getTracer('app').startSpan('inside')
  const customer = propagation.getActiveBaggage()?.getEntry('customer')?.value ?? null
  const told = { traceId: span.spanContext().traceId, parent: span.parentSpanContext?.spanId ?? null, customer }
  span.end()
  return told
}

export class Traced extends DirtyApp {
  async once() {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return span()
  }
  async *twice() {
    yield span()
    await new Promise((resolve) => setTimeout(resolve, 5))
    yield span()
  }
}
`
const plain = `
import { DirtyApp } from 'monoceros/dirty'
export class Plain extends DirtyApp {
  once() { return Object.getOwnPropertySymbols(globalThis).some((symbol) => String(symbol).includes('opentelemetry')) }
}
`

const exporter = new InMemorySpanExporter()
const tracer = () => trace.getTracer('test')
let server: Running
let close: (keep?: boolean) => Promise<void>

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }))
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  const args = ['--dirty-app', 'traced=./traced.mjs:Traced', '--dirty-app', 'plain=./plain.mjs:Plain', '--dirty-workers', '1']
  ;({ running: server, close } = startDirtyShared({ args, files: { 'traced.mjs': traced, 'plain.mjs': plain } }))
  await server.ready()
})
afterAll(() => close())

const within = <T>(name: string, run: (span: Span) => Promise<T>) =>
  tracer().startActiveSpan(name, async (span) => {
    try {
      return await run(span)
    } finally {
      span.end()
    }
  })
const ids = (span: Span) => ({ traceId: span.spanContext().traceId, parent: span.spanContext().spanId })

test('a span of an action is a child of the span that is active where it is called', async () => {
  await within('outside', async (span) => {
    expect(await appOf(server, 'traced').once()).toEqual({ ...ids(span), customer: null })
    const baggage = propagation.createBaggage({ customer: { value: 'ada' } })
    const own = context.with(propagation.setBaggage(context.active(), baggage), () => appOf(server, 'traced').once())
    expect(await own).toEqual({ ...ids(span), customer: 'ada' })
  })
})

test('all that a generator traces belongs to its caller', async () => {
  await within('outside', async (span) => {
    const [one, other] = await collect(appOf(server, 'traced').twice())
    expect([one, other]).toEqual([
      { ...ids(span), customer: null },
      { ...ids(span), customer: null },
    ])
  })
})

test('a call without a span around it begins a trace of its own, and does not inherit the last one', async () => {
  await within('outside', () => appOf(server, 'traced').once())
  expect(await appOf(server, 'traced').once()).toMatchObject({ parent: null })
})

test('an app without OpenTelemetry does not have it for being called under a span', async () => {
  await within('outside', async () => expect(await appOf(server, 'plain').once()).toBe(false))
})

test.skipIf(lacksRedis)(
  'a span of a job’s action is a child of the one that BullMQ made for the job, in the trace of who added it',
  async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const { connection } = redis
    const telemetry = new BullMQOtel({ tracerName: 'jobs' })
    const queue = new Queue('traced', { connection, telemetry })
    const events = new QueueEvents('traced', { connection })
    const worker = new Worker('traced', bullmqDoor.createProcessor(poolOf(server), 'traced', 'once'), { connection, telemetry })
    worker.on('error', () => undefined)
    await events.waitUntilReady()
    const { told, adder } = await within('adding', async (span) => {
      const job = await queue.add('any', {})
      return { told: await job.waitUntilFinished(events), adder: ids(span) }
    })
    await worker.close()
    await events.close()
    await queue.close()
    const ofJob = exporter.getFinishedSpans().find((span: ReadableSpan) => span.name.startsWith('process'))
    expect(told).toEqual({ traceId: adder.traceId, parent: ofJob?.spanContext().spanId, customer: null })
  },
)
