/** The commands that look into a process: its requests, its stacks, a profile, its heap. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isIdleStack } from '../../base/call-frames.ts'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import type { Handlers } from '../../control/command-table.ts'
import { autopsyFacts, whereWords } from '../../ipc/autopsy-facts.ts'
import type { Autopsy, RequestInFlight } from '../../ipc/messages.ts'
import type { Question, QuestionAnswer, ThreadStack } from '../../ipc/questions.ts'
import { createProbe, type Probe } from '../../os/probe-thread.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { freshSnapshot } from './control-shows.ts'

type Looks = 'show requests' | 'stacks' | 'profile' | 'heap'

/** A stack may take a second to be had; an answer that is overdue by more does not come. */
const lookPatienceMs = 5_000
const heapPatienceMs = 620_000

/** One for the arbiter, for good. */
const probes = new WeakMap<ArbiterScope, Probe>()

function probeOf(scope: ArbiterScope, url: URL): Probe {
  const probe = probes.get(scope) ?? createProbe(url)
  probes.set(scope, probe)
  return probe
}

interface Target {
  readonly pid: number
  readonly role: 'arbiter' | 'worker' | 'dirty-arbiter' | 'dirty-worker'
  readonly slot: number | null
  readonly hasThreads: boolean
  ask(question: Question, patienceMs: number): Promise<QuestionAnswer>
}

interface ThreadRequest extends RequestInFlight {
  readonly thread: number | null
}

export function lookHandlers(scope: ArbiterScope, probeUrl: URL): Pick<Handlers, Looks> {
  return {
    async 'show requests'() {
      const all = (await targets(scope, probeUrl)).filter(({ role }) => role === 'worker' || role === 'dirty-worker')
      const lists = await Promise.all(all.map(requestsOf))
      const requests = lists.flat().sort((one, other) => other.age_s - one.age_s)
      return { requests, count: requests.length }
    },
    async stacks({ PID: pid }) {
      const all = await targets(scope, probeUrl)
      const chosen = pid === 'all' ? all : [targetOf(all, pid)]
      const stacks = await Promise.all(chosen.map(stacksOf))
      return { stacks, count: stacks.length }
    },
    async profile({ PID: pid, SECONDS: seconds }) {
      const path = newFile(pid, 'cpuprofile')
      return lookInto(scope, probeUrl, pid, { kind: 'profile', seconds, path }, seconds * 1_000 + 20_000)
    },
    heap: ({ PID: pid }) => lookInto(scope, probeUrl, pid, { kind: 'heap', path: newFile(pid, 'heapsnapshot') }, heapPatienceMs),
  }
}

/** Written by the process itself, under its own user. */
function newFile(pid: number, ending: string): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('.', '-')
  return join(tmpdir(), `monoceros-${pid}-${time}.${ending}`)
}

async function lookInto(scope: ArbiterScope, probeUrl: URL, pid: number, question: Question, patienceMs: number): Promise<object> {
  const target = targetOf(await targets(scope, probeUrl), pid)
  const answer = await target.ask(question, patienceMs)
  if (!answer.ok) throw new MonocerosError('MON_CONTROL_PROBE', { what: question.kind, pid, problem: answer.problem })
  return { pid, ...(answer.value as object) }
}

function targetOf(all: readonly Target[], pid: number): Target {
  const target = all.find((one) => one.pid === pid)
  if (target === undefined) throw new MonocerosError('MON_CONTROL_NO_PROCESS', { what: 'process with pid', given: pid })
  return target
}

/** Every process of the server. */
async function targets(scope: ArbiterScope, probeUrl: URL): Promise<Target[]> {
  const { dirtyArbiter, dirtyWorkers } = await freshSnapshot(scope)
  const { dirty } = scope
  const own: Target = {
    pid: process.pid,
    role: 'arbiter',
    slot: null,
    hasThreads: false,
    ask: async (question, patienceMs) => {
      try {
        return { ok: true, value: await probeOf(scope, probeUrl).ask(question, patienceMs) }
      } catch (error) {
        return { ok: false, problem: problemOf(error) }
      }
    },
  }
  const workers = scope.roster
    .rows()
    .map(({ pid, slot, generation, ask }): Target => ({ pid, role: 'worker', slot, hasThreads: isThreaded(scope, generation), ask }))
  if (dirty === null) return [own, ...workers]
  return [
    own,
    ...workers,
    ...(dirtyArbiter === null
      ? []
      : [targetInPool('dirty-arbiter', dirtyArbiter.pid, null, (question, patienceMs) => dirty.ask(question, patienceMs, null))]),
    ...dirtyWorkers.map(({ pid, slot }) =>
      targetInPool('dirty-worker', pid, slot, (question, patienceMs) => dirty.ask(question, patienceMs, pid)),
    ),
  ]
}

const isThreaded = (scope: ArbiterScope, generation: number) =>
  (scope.recordOf(generation) ?? scope.current).config.settings.workerClass === 'gthread'

function targetInPool(role: Target['role'], pid: number, slot: number | null, ask: Target['ask']): Target {
  return { pid, role, slot, hasThreads: role === 'dirty-worker', ask }
}

async function requestsOf({ pid, slot, role, hasThreads, ask }: Target) {
  const answers = await Promise.all([
    hasThreads ? ask({ kind: 'thread-requests' }, lookPatienceMs) : null,
    ask({ kind: 'requests' }, lookPatienceMs),
  ])
  // The main thread knows which thread has what; while it is busy itself, its watchdog knows the rest.
  const list = answers.find((answer) => answer?.ok === true)
  const requests = (list?.ok === true ? list.value : []) as readonly (RequestInFlight & Partial<ThreadRequest>)[]
  return requests.map(({ method, path, ageMs, thread = null }) => ({ pid, role, slot, thread, method, path, age_s: ageMs / 1_000 }))
}

async function stacksOf({ pid, role, slot, hasThreads, ask }: Target) {
  const [answer, inThreads] = await Promise.all([
    ask({ kind: 'stack' }, lookPatienceMs),
    hasThreads ? ask({ kind: 'thread-stacks' }, lookPatienceMs) : null,
  ])
  const threads =
    inThreads?.ok === true
      ? { threads: (inThreads.value as readonly ThreadStack[]).map((one) => ({ ...one, where: whereWords[one.where] })) }
      : {}
  if (!answer.ok) return { pid, role, slot, problem: answer.problem, ...threads }
  if (role !== 'arbiter') return { pid, role, slot, ...autopsyFacts(answer.value as Autopsy), ...threads }
  const stack = answer.value as readonly string[] | null
  // It has just answered: if it came to no statement in time, there was none to come to.
  const isIdle = stack === null || isIdleStack(stack)
  return { pid, role, slot, where: whereWords[isIdle ? 'idle' : 'javascript'], stack: isIdle ? [] : stack }
}
