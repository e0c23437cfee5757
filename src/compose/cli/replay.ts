/** `monoceros replay FILE`: what a flight recorder has kept, told after the fact. */
import { parseArgs } from 'node:util'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { choose, momentOf } from '../../flight-recorder/choose.ts'
import { readRecording } from '../../flight-recorder/read-recording.ts'
import { livingAfter, mergedTimeline, timelineByActor } from '../../flight-recorder/timeline.ts'

const options = {
  since: { type: 'string', default: '10m' },
  actor: { type: 'string' },
  last: { type: 'string' },
  merged: { type: 'boolean', default: false },
  'by-actor': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  open: { type: 'boolean', default: false },
} as const

/** @returns the exit code of the process: 1 when the file cannot be read, or has nothing of what is asked for */
export async function runReplay(args: readonly string[]): Promise<number> {
  const { path, values } = read(args)
  const { steps, unreadable } = readRecording(path)
  const lastAt = steps.at(-1)?.at
  if (lastAt === undefined) throw new MonocerosError('MON_REPLAY_FILE', { path, problem: 'there is no step in it' })
  // Late: only this needs what serves.
  if (values.open) return (await import('./replay-open.ts')).openRecording(path, steps)
  const sinceAt = momentOf(values.since, lastAt)
  if (sinceAt === null) throw usage(`--since ${values.since}: the form is 90s, 10m, 2h, 1d, 14:05, a date, or all`)
  const actor = values.actor ?? null
  const chosen = choose(steps, { sinceAt, actor, last: values.last === undefined ? null : countOf(values.last) })
  if (chosen.length === 0) throw new MonocerosError('MON_REPLAY_FILE', { path, problem: `none of its ${steps.length} steps is asked for` })
  print(textOf())
  if (unreadable > 0) process.stderr.write(`monoceros: ${unreadable} ${unreadable === 1 ? 'line was' : 'lines were'} cut or not readable\n`)
  return 0

  function textOf(): string {
    if (values.json) return chosen.map((step) => JSON.stringify(step)).join('\n')
    const hasColours = process.stdout.isTTY === true && !process.env['NO_COLOR']
    const living = livingAfter(steps, actor)
    return values['by-actor'] ? timelineByActor(chosen, living, hasColours) : mergedTimeline(chosen, living, hasColours)
  }
}

function read(args: readonly string[]) {
  const { values, positionals } = parsed(args)
  const [path, ...more] = positionals
  if (path === undefined) throw usage('the form is: monoceros replay FILE')
  if (more.length > 0) throw usage(`one file at a time; ${more[0]} is one too many (of a rotated one both parts are read)`)
  if (values.merged && values['by-actor']) throw usage('--merged or --by-actor, not both')
  if (values.open && (values.json || values['by-actor'])) throw usage('--open shows all of it; leave out --json and --by-actor')
  if (values.json && values['by-actor']) throw usage('--json or --by-actor, not both')
  return { path, values }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw usage(problemOf(error))
  }
}

function countOf(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw usage(`--last ${text}: a whole number from 1`)
  return Number(text)
}

const usage = (problem: string) => new MonocerosError('MON_CLI_USAGE', { source: 'replay', problem })

/** All of it before this process ends, and without a word when the reader has seen enough. */
function print(text: string): void {
  process.stdout.on('error', () => process.exit())
  process.stdout.write(`${text}\n`)
}
