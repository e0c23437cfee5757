/**
 * Starts the real thing in a folder of its own, waits for events of its log, and accounts for every process it caused.
 * Tests wait for event names, never for prose, and never sleep.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const root = fileURLToPath(new URL('../..', import.meta.url))
/** Where the build under test is: `dist`, or another output folder beside it. */
export const distPath = join(root, process.env['MONOCEROS_TEST_DIST'] ?? 'dist')
export const cliPath = join(distPath, 'src/entry/cli.js')
/** The variable that marks every process of a run. */
export const runMark = 'MONOCEROS_TEST_RUN'

export interface LogLine {
  readonly event: string
  readonly level: string
  readonly msg: string
  readonly pid: number
  readonly role: string
  readonly slot?: number
  readonly age?: number
  readonly gen?: number
  readonly childPid?: number
  readonly [fact: string]: unknown
}

export interface StartOptions {
  /** Options and app, as on the command line. */
  readonly args: readonly string[]
  /** Files to write into the test's folder first, by relative path; the server runs in that folder. */
  readonly files?: Readonly<Record<string, string>>
  /** Where to run instead of the test's own folder. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The `monoceros` that is started instead of the build under test. */
  readonly cli?: string
  /** A program, with its arguments, that starts the server by replacing itself. */
  readonly under?: readonly string[]
  /** Extra stdio descriptors, from 3 on. */
  readonly stdio?: readonly (number | 'pipe')[]
  /** Make it the leader of a process group, as a shell does with a job: `process.kill(-pid, ...)` then is what a terminal does. */
  readonly detached?: boolean
}

export type Match = ((line: LogLine) => boolean) | Readonly<Record<string, unknown>>

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  readonly pid: number
  readonly process: ChildProcess
  readonly folder: string
  readonly lines: readonly LogLine[]
  /** Everything on stderr that is no line of the log, and stdout. */
  readonly stderr: () => string
  readonly stdout: () => string
  readonly exited: Promise<Exit>
  /** The next or an earlier line of that event; `after` is an index into `lines` from which to look. */
  until(event: string, match?: Match, options?: { after?: number; withinMs?: number }): Promise<LogLine>
  /** Waits until `count` lines of that event have come. */
  untilCount(event: string, count: number, match?: Match): Promise<LogLine[]>
  all(event: string, match?: Match): LogLine[]
  ready(): Promise<void>
  /** Port of the n-th TCP address that was bound. */
  port(index?: number): number
  signal(signal: NodeJS.Signals): void
  /** Sends TERM, unless it has ended, and answers how it ended. */
  stop(): Promise<Exit>
  /** Pids of workers that are ready now, by slot. */
  workers(): Map<number, number>
  /** Pids of every process that carries this run's mark in its environment. */
  family(): number[]
}

const patienceMs = 30_000

/** Starts `monoceros` for the current test; at the test's end it is stopped and whatever it left behind is an error. */
export function start(options: StartOptions): Running {
  const { running, close } = startShared(options)
  onTestFinished(async ({ task }) => close(task.result?.state === 'fail'))
  return running
}

/** The same for several tests: call `close` in `afterAll`. */
export function startShared(options: StartOptions): { running: Running; close(keepFolder?: boolean): Promise<void> } {
  const run = randomUUID()
  const folder = testFolder(options.files)
  const [program = '', ...words] = [...(options.under ?? []), process.execPath, options.cli ?? cliPath, ...options.args]
  const child = spawn(program, words, {
    cwd: options.cwd ?? folder,
    env: { ...cleanEnvironment(), [runMark]: run, MONOCEROS_CONTROL_SOCKET: join(folder, 'monoceros.ctl'), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.stdio ?? [])],
    detached: options.detached ?? false,
  })
  const running = watch(child, folder, run)
  return {
    running,
    async close(keepFolder = false) {
      await running.stop()
      await allGone(run)
      if (keepFolder) process.stderr.write(`kept: ${folder}\n`)
      else rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function testFolder(files: StartOptions['files'] = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-test-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** Waits until a process has a handler for a signal: sent before that, the signal meets Node or the kernel, not us. */
export const handles = (pid: number, signal: NodeJS.Signals): Promise<void> => untilMasked(pid, signal, ['SigCgt'])

/** Waits until Node has begun to run in a process: from then on it holds SIGUSR1 back for its debugger. */
export const blocks = (pid: number, signal: NodeJS.Signals): Promise<void> => untilMasked(pid, signal, ['SigBlk', 'SigCgt'])

async function untilMasked(pid: number, signal: NodeJS.Signals, masks: readonly string[]): Promise<void> {
  const bit = 1n << BigInt(constants.signals[signal] - 1)
  for (;;) {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const isSet = (mask: string) => (BigInt(`0x${new RegExp(`^${mask}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '0'}`) & bit) !== 0n
    if (masks.some(isSet)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The test's own environment must not configure the server under test. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(MONOCEROS_|PORT$|WEB_CONCURRENCY$|VITEST|NODE_OPTIONS$|NODE_ENV$|NO_COLOR$|FORCE_COLOR$)/.test(name),
  )
  return Object.fromEntries(entries)
}

function watch(child: ChildProcess, folder: string, run: string): Running {
  const lines: LogLine[] = []
  const hearers = new Set<() => void>()
  let other = ''
  let out = ''
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    rest += chunk
    const whole = rest.split('\n')
    rest = whole.pop() ?? ''
    for (const text of whole) {
      const line = parse(text)
      if (line === null) other += `${text}\n`
      else lines.push(line)
    }
    for (const hear of [...hearers]) hear()
  })
  let exit: Exit | null = null
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      exit = { code, signal }
      other += rest
      resolve(exit)
      for (const hear of [...hearers]) hear()
    })
  })

  function waitFor<T>(what: string, look: () => T | undefined, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        stopHearing()
        const tail = lines.slice(-25).map((line) => `  ${line.event} ${line.msg}`)
        reject(new Error(`${what}: ${why}\n${tail.join('\n')}\n${other.slice(-3_000)}\n${out.slice(-500)}`))
      }
      const hear = () => {
        const found = look()
        if (found !== undefined) {
          stopHearing()
          resolve(found)
        } else if (exit !== null) fail(`the server has ended (${exit.code ?? exit.signal})`)
      }
      const timer = setTimeout(() => fail(`not within ${withinMs} ms`), withinMs)
      const stopHearing = () => {
        clearTimeout(timer)
        hearers.delete(hear)
      }
      hearers.add(hear)
      hear()
    })
  }

  const running: Running = {
    pid: child.pid as number,
    process: child,
    folder,
    lines,
    stderr: () => other,
    stdout: () => out,
    exited,
    until: (event, match, { after = 0, withinMs = patienceMs } = {}) =>
      waitFor(`waiting for ${event}`, () => lines.slice(after).find((line) => line.event === event && matches(line, match)), withinMs),
    untilCount: (event, count, match) =>
      waitFor(
        `waiting for ${count} × ${event}`,
        () => {
          const found = running.all(event, match)
          return found.length >= count ? found : undefined
        },
        patienceMs,
      ),
    all: (event, match) => lines.filter((line) => line.event === event && matches(line, match)),
    async ready() {
      await running.until('arbiter.ready')
    },
    port(index = 0) {
      const addresses = running
        .all('listener.bound')
        .map((line) => String(line['address']))
        .filter((address) => !address.startsWith('unix:'))
      return Number(addresses[index]?.split(':').at(-1))
    },
    signal: (signal) => void process.kill(child.pid as number, signal),
    async stop() {
      if (exit === null) child.kill('SIGTERM')
      return exited
    },
    workers() {
      // Two generations may be ready in one slot at the same time: the younger worker is the one that is told.
      const ready = new Map<number, { slot: number; age: number }>()
      for (const { event, role, slot, age, childPid } of lines) {
        // A dirty arbiter says the same of its own.
        if (role !== 'arbiter' || slot === undefined || age === undefined || childPid === undefined) continue
        if (event === 'worker.ready') ready.set(childPid, { slot, age })
        else if (['worker.gone', 'worker.died', 'worker.draining'].includes(event)) ready.delete(childPid)
      }
      const byAge = [...ready].sort(([, one], [, other]) => one.age - other.age)
      return new Map(byAge.map(([pid, { slot }]) => [slot, pid]))
    },
    family: () => familyOf(run),
  }
  return running
}

function parse(text: string): LogLine | null {
  if (!text.startsWith('{')) return null
  try {
    const line = JSON.parse(text) as LogLine
    return typeof line.event === 'string' ? line : null
  } catch {
    return null
  }
}

function matches(line: LogLine, match: Match | undefined): boolean {
  if (match === undefined) return true
  if (typeof match === 'function') return match(line)
  return Object.entries(match).every(([name, value]) => line[name] === value)
}

/** The mark is inherited by every process that a run causes, however deep. */
function familyOf(run: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${runMark}=${run}`)
      } catch {
        return false // it ended while we looked
      }
    })
}

/** A process that has been killed may take a moment to be reaped; one that stays is the test's failure. */
export async function allGone(run: string): Promise<void> {
  const deadline = Date.now() + 5_000
  let left = familyOf(run)
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve))
    left = familyOf(run)
  }
  if (left.length === 0) return
  const names = left.map((pid) => `${pid} ${quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.replaceAll('\0', ' ')}`)
  for (const pid of left) quietly(() => process.kill(pid, 'SIGKILL'))
  throw new Error(`left behind: ${names.join('; ')}`)
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined // it ended meanwhile
  }
}
