import { readFileSync } from 'node:fs'
import { MonocerosError, problemOf } from '../base/errors.ts'
import type { Transition } from '../ipc/transition.ts'
import { olderOf } from './rotate.ts'

export interface Recording {
  /** In the order of time; those of one process in the order in which it made them. */
  readonly steps: readonly Transition[]
  /** Lines that hold no step: cut by a kill or a full disk, or not ours. */
  readonly unreadable: number
}

/** Reads a recording, with the part of it that a rotation has put aside. @throws MON_REPLAY_FILE */
export function readRecording(path: string): Recording {
  const older = readText(olderOf(path))
  const newer = readText(path)
  if (newer instanceof Error) throw new MonocerosError('MON_REPLAY_FILE', { path, problem: problemOf(newer) }, newer)
  return parseRecording(older instanceof Error ? [newer] : [older, newer])
}

function readText(path: string): string | Error {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return error as Error
  }
}

export function parseRecording(texts: readonly string[]): Recording {
  /** A line may stand in both files, when it was not certain that the first would stay. */
  const steps = new Map<string, Transition>()
  let unreadable = 0
  for (const line of texts.join('\n').split('\n')) {
    if (line === '') continue
    const step = parseLine(line)
    if (step === null) unreadable++
    else steps.set(`${step.pid} ${step.seq} ${step.at}`, step)
  }
  return { steps: [...steps.values()].sort(inTime), unreadable }
}

const inTime = (one: Transition, other: Transition) => one.at - other.at || one.pid - other.pid || one.seq - other.seq

const lineStart = '{"at":'

/** A line that was cut has no newline, and the next one of another process stands right behind it. */
function parseLine(line: string): Transition | null {
  return parse(line) ?? (line.lastIndexOf(lineStart) > 0 ? parse(line.slice(line.lastIndexOf(lineStart))) : null)
}

function parse(text: string): Transition | null {
  try {
    const step = JSON.parse(text) as Transition
    return isStep(step) ? step : null
  } catch {
    return null // half a line
  }
}

function isStep(step: unknown): step is Transition {
  if (typeof step !== 'object' || step === null) return false
  const { at, pid, seq, role, actor, event, to, facts } = step as Record<string, unknown>
  return [at, pid, seq].every(Number.isFinite) && [role, actor, event, to].every((text) => typeof text === 'string') && isObject(facts)
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null
