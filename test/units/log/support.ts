import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A folder of the test's own, gone when it has ended. */
export function ownFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'monoceros-log-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file of `children/` as a process with an IPC channel; killed when the test has ended without it. */
export function startChild(name: string, args: readonly (string | number)[], stderr: 'pipe' | 'inherit' | number): ChildProcess {
  const file = fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))
  const stdio: StdioOptions = ['ignore', 'inherit', stderr, 'ipc']
  const child = spawn(process.execPath, ['--import', 'jiti/register', file, ...args.map(String)], { stdio })
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
  const isGone = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`child ended (${code ?? signal}) before it sent ${type}`)
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

export function closeQuietly(fd: number): void {
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

export function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line has no end')
  return lines
}

export function linesIn(file: string): string[] {
  return linesOf(fs.readFileSync(file, 'utf8'))
}
