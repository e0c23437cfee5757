/** A program that runs to its end by itself, and what it leaves: nothing, or that is an error. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { allGone, cleanEnvironment, runMark } from './harness.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** @param args of this Node; the program and what it gets */
export async function runToEnd(
  args: readonly string[],
  { cwd, env = {}, withinMs = 40_000 }: { cwd: string; env?: NodeJS.ProcessEnv; withinMs?: number },
): Promise<Ended> {
  const run = randomUUID()
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...cleanEnvironment(), [runMark]: run, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const told = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (chunk: Buffer) => (told[stream] += chunk))
  const timer = setTimeout(() => {
    told.stderr += `not ended within ${withinMs} ms`
    child.kill('SIGKILL')
  }, withinMs)
  const end = await new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  clearTimeout(timer)
  await allGone(run)
  return { ...end, ...told }
}
