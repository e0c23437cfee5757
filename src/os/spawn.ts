import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { childArguments } from './child-arguments.ts'
import { type ChildOutput, type OutputStream, readLines } from './child-output.ts'

export interface ChildSpec {
  readonly entryPath: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Descriptors to inherit; the first becomes `firstInheritedFd` in the child, the next one more, and so on. */
  readonly fds: readonly number[]
  /** The Node that runs it. */
  readonly execPath: string
  readonly output: ChildOutput
}

/** stdin, stdout, stderr, IPC channel, beat pipe; then the listeners. */
export const beatFd = 4
export const firstInheritedFd = 5

export type ChildImage = ChildProcess

export interface Child {
  readonly image: ChildImage
  readonly pid: number
  readonly beatPipe: Socket
}

/** Starts a process image of monoceros that leads a process group of its own. */
export async function spawnChild(spec: ChildSpec): Promise<Child> {
  const { output } = spec
  const stdio = typeof output === 'string' ? output : 'pipe'
  const child = spawn(spec.execPath, [...childArguments(process.execArgv), spec.entryPath, ...spec.args], {
    stdio: ['ignore', stdio, stdio, 'ipc', 'pipe', ...spec.fds],
    serialization: 'advanced',
    detached: true,
    env: spec.env,
    cwd: spec.cwd,
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  if (typeof output !== 'string') {
    const tell = (stream: OutputStream) => (line: string) => output(line, stream, child.pid as number)
    readLines(child.stdio[1] as Readable, tell('stdout'))
    readLines(child.stdio[2] as Readable, tell('stderr'))
  }
  return { image: child, pid: child.pid as number, beatPipe: child.stdio[beatFd] as Socket }
}

/**
 * Kills a child and everything it started: the child leads a process group of its own. The group is named, never the pid:
 * once reaped, that number may be another process's. One that is gone already is no error.
 */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: gone before us.
  }
}
