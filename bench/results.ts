/** Results are kept in bench/results, one dated file a run, with the machine they are from. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('results/', import.meta.url))

export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** How many processes wanted to run in the last minute: far above the load of the benchmark itself, others were at work. */
  readonly loadAverage: number
}

export type Kind = 'serve' | 'units' | 'gthread' | 'head-of-line' | 'watched' | 'dirty' | 'dirty-beside' | 'jobs'

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    commit: commitOf(),
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(1)),
  }
}

function commitOf(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: folder, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // a copy without its history
  }
}

export function keep(kind: Kind, results: object): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${kind}-${new Date().toISOString().slice(0, 10)}.json`)
  writeFileSync(path, `${JSON.stringify(results, rounded, 2)}\n`)
  return path
}

/** The newest kept file of a kind; today's, when there is one, is about to be replaced. */
export function lastKept<R>(kind: Kind): { readonly name: string; readonly results: R } | null {
  mkdirSync(folder, { recursive: true })
  const name = readdirSync(folder)
    .filter((file) => file.startsWith(`${kind}-`) && file.endsWith('.json'))
    .toSorted()
    .at(-1)
  return name === undefined ? null : { name, results: JSON.parse(readFileSync(join(folder, name), 'utf8')) as R }
}

// More digits than these are noise, and make every line of a diff.
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}
