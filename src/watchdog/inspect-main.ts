/** What a probe thread asks the main thread's inspector for. There is no port: it is attached from inside. */
import { closeSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs'
import type { Session } from 'node:inspector'
import { problemOf } from '../base/errors.ts'
import type { Question } from '../ipc/questions.ts'
import { takeMainStack } from './stack.ts'

export interface WrittenFile {
  readonly path: string
  readonly bytes: number
}

/** Enough to see by, and a file of some megabytes at most, however long it takes. */
const samplesMax = 100_000
const usualIntervalUs = 1_000

export async function answerProbe(question: Question): Promise<{ value: unknown } | { problem: string }> {
  try {
    return { value: await inspectMain(question) }
  } catch (error) {
    return { problem: problemOf(error) }
  }
}

async function inspectMain(question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'stack':
      return await takeMainStack()
    case 'profile':
      return await withSession((session) => writeProfile(session, question.seconds, question.path))
    case 'heap':
      return await withSession((session) => writeHeap(session, question.path))
    default:
      throw new Error(`a probe has no answer to ${question.kind}`)
  }
}

async function withSession<T>(act: (session: Session) => Promise<T>): Promise<T> {
  const { Session } = process.getBuiltinModule('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  try {
    return await act(session)
  } finally {
    session.disconnect()
  }
}

async function writeProfile(session: Session, seconds: number, path: string): Promise<WrittenFile> {
  await post(session, 'Profiler.enable')
  const interval = Math.max(usualIntervalUs, Math.ceil((seconds * 1e6) / samplesMax))
  await post(session, 'Profiler.setSamplingInterval', { interval })
  await post(session, 'Profiler.start')
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const { profile } = (await post(session, 'Profiler.stop')) as { profile: object }
  return writing(path, (write) => write(JSON.stringify(profile)))
}

function writeHeap(session: Session, path: string): Promise<WrittenFile> {
  return writing(path, async (write) => {
    session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => write(params.chunk))
    await post(session, 'HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  })
}

/** The file is for its owner alone: a heap holds whatever the app holds. Half a file is taken away. */
async function writing(path: string, act: (write: (text: string) => void) => void | Promise<void>): Promise<WrittenFile> {
  const fd = openSync(path, 'wx', 0o600)
  try {
    await act((text) => {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    })
    return { path, bytes: fstatSync(fd).size }
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

type Post = (method: string, params: object, callback: (error: Error | null, result: unknown) => void) => void

function post(session: Session, method: string, params: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = session.post.bind(session) as unknown as Post
    call(method, params, (error, result) => (error === null ? resolve(result) : reject(new Error(error.message))))
  })
}
