/** What an author of jobs sees of the types; the checker is the test. */
import { type Job, Worker } from 'bullmq'
import { expectTypeOf, test } from 'vitest'
import { createProcessor, type JobHandle } from '../../../src/bullmq.ts'
import { createHandler } from '../../../src/index.ts'

interface Order {
  readonly file: string
}
abstract class ImageApp {
  abstract init(): void
  abstract thumbnail(order: Order, job: JobHandle<Order>): Promise<{ bytes: number }>
  abstract count(order: Order): number
}
declare const pool: { dirty(app: string): unknown }

test('a processor knows the actions of its app, their data and their results, and a Worker takes it', () => {
  const use = () => {
    const one = createProcessor<ImageApp, 'count'>(pool, 'images', 'count')
    expectTypeOf(one).returns.resolves.toEqualTypeOf<number>()
    const worker = new Worker('q', createProcessor<ImageApp>(pool, 'images', 'thumbnail', { key: ({ data }) => data.file }))
    expectTypeOf(worker).toExtend<Worker<Order, number | { bytes: number }>>()
    new Worker<Order, number>('q', one)
    new Worker('q', createProcessor(pool, 'anything', 'whatever'))
    // @ts-expect-error it is no action
    createProcessor<ImageApp>(pool, 'images', 'thumbnial')
    // @ts-expect-error it is none that others call
    createProcessor<ImageApp>(pool, 'images', 'init')
    // @ts-expect-error its data are others
    new Worker<{ path: number }, number>('q', one)
    expectTypeOf(createHandler<ImageApp, 'count'>(pool, 'images', 'count'))
      .parameter(0)
      .toEqualTypeOf<Order>()
  }
  expectTypeOf(use).toBeFunction()
})

test('what is known of a job is read, what it does is awaited, and nothing of it is written', () => {
  type Handle = JobHandle<Order>
  expectTypeOf<Handle['id']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Handle['attemptsMade']>().toEqualTypeOf<number>()
  expectTypeOf<Handle['opts']>().toEqualTypeOf<Job['opts']>()
  expectTypeOf<Handle['updateProgress']>().returns.toEqualTypeOf<Promise<void>>()
  expectTypeOf<Handle['updateData']>().parameter(0).toEqualTypeOf<Order>()
  expectTypeOf<Handle['log']>().returns.toEqualTypeOf<Promise<number>>()
  expectTypeOf<keyof Handle & ('data' | 'toJSON' | 'queue')>().toEqualTypeOf<never>()
})
