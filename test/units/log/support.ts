import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, onTestFinished } from 'vitest'

/** A folder of the test's own, gone when it has ended. */
export function ownFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monoceros-log-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
let built = ''

/**
 * Compiles `children/` for the tests of this file. A loader of TypeScript would not do: its thread makes the child's stderr
 * non-blocking, and so hides what these tests are about.
 */
export function compileChildren(): void {
  beforeAll(() => {
    fs.mkdirSync(path.join(root, '.cache'), { recursive: true })
    built = fs.mkdtempSync(path.join(root, '.cache/log-children-'))
    execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', path.join(import.meta.dirname, 'children'), '--outDir', built])
  })
  afterAll(() => fs.rmSync(built, { recursive: true, force: true }))
}

/** A file of `children/` as a process with an IPC channel; killed when the test has ended without it. */
export function startChild(name: string, args: readonly (string | number)[], stderr: 'pipe' | 'inherit' | number): ChildProcess {
  const file = path.join(built, 'test/units/log/children', `${name}.js`)
  const stdio: StdioOptions = ['ignore', 'inherit', stderr, 'ipc']
  const child = spawn(process.execPath, [file, ...args.map(String)], { stdio })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** The child's next message of that type; fails when the child ends without it. */
export async function messageFrom<T>(child: ChildProcess, type: string): Promise<T> {
  const ended = new AbortController()
  const isWanted = new Promise<T>((resolve) => {
    child.on('message', (message: { type: string }) => message.type === type && resolve(message as T))
  })
  // Not its exit, which may be heard of before the last message.
  const isGone = once(child, 'disconnect', { signal: ended.signal }).then(() => {
    throw new Error(`child ended before it sent ${type}`)
  })
  isGone.catch(() => {}) // aborted, once the message is here
  return Promise.race([isWanted, isGone]).finally(() => ended.abort())
}

/** A real pipe (Node's own are sockets), with nobody reading its `readFd` yet. Both ends are closed with the test. */
export function openPipe(folder: string): { path: string; readFd: number; writeFd: number } {
  const fifo = path.join(folder, 'pipe')
  execFileSync('mkfifo', [fifo])
  const { O_RDONLY, O_NONBLOCK } = fs.constants
  const readFd = fs.openSync(fifo, O_RDONLY | O_NONBLOCK)
  const writeFd = fs.openSync(fifo, 'w')
  onTestFinished(() => {
    for (const fd of [readFd, writeFd]) closeQuietly(fd)
  })
  return { path: fifo, readFd, writeFd }
}

function closeQuietly(fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // the test closed it already
  }
}

/** Everything from a pipe until its last writer has closed it. Give the writing end away first. */
export async function readAll(fifo: string): Promise<string> {
  let text = ''
  for await (const chunk of fs.createReadStream(fifo, 'utf8')) text += chunk
  return text
}

/** What is in a non-blocking pipe at this moment. */
export function readNow(fd: number): string {
  const chunks: Buffer[] = []
  const chunk = Buffer.alloc(65_536)
  try {
    for (let bytes = fs.readSync(fd, chunk); bytes > 0; bytes = fs.readSync(fd, chunk)) chunks.push(Buffer.from(chunk.subarray(0, bytes)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
  return Buffer.concat(chunks).toString()
}

export function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line has no end')
  return lines
}

export function linesIn(file: string): string[] {
  return linesOf(fs.readFileSync(file, 'utf8'))
}
