/**
 * Every command of the control socket: dispatcher, help, completion and docs/reference/control.md are made from this
 * table. Those of Gunicorn have its names and the fields of its answers.
 */

export type ArgumentKind = 'count' | 'pid' | 'slot' | 'seconds' | 'number' | 'time' | 'text'

export interface ArgumentRow {
  readonly name: string
  readonly kind: ArgumentKind
  /** Words that may stand there too; with kind `text` only these. */
  readonly words?: readonly string[]
  readonly isOptional?: true
}

export interface OptionRow {
  readonly flag: `--${string}`
  readonly name: string
  /** Null: it takes no value. */
  readonly kind: ArgumentKind | null
  readonly doc: string
  /** True: the client does it, by asking again. */
  readonly isOfClient?: true
}

export interface CommandRow {
  readonly arguments: readonly ArgumentRow[]
  readonly options: readonly OptionRow[]
  readonly doc: string
  /** It changes something, so that the log tells of it. */
  readonly isOrder: boolean
  readonly isOfGunicorn: boolean
  /** How long its answer may take; a client waits for that long. */
  readonly patienceS?: number
}

const levels = ['debug', 'info', 'warning', 'error', 'critical'] as const

const count = { name: 'N', kind: 'count', isOptional: true } as const
const pid = { name: 'PID', kind: 'pid' } as const
const slot = { name: 'SLOT', kind: 'slot' } as const
const seen = { arguments: [], options: [], isOrder: false } as const
const order = { arguments: [], options: [], isOrder: true } as const

export const commandTable = {
  'show all': { ...seen, isOfGunicorn: true, doc: 'All processes: arbiter, workers, dirty arbiter, dirty workers, sidecars.' },
  'show workers': { ...seen, isOfGunicorn: true, doc: 'The workers: state, memory, load, requests.' },
  'show dirty': { ...seen, isOfGunicorn: true, doc: 'The dirty pool: its workers and its apps.' },
  'show sidecars': { ...seen, isOfGunicorn: false, doc: 'The foreign commands that run beside the workers: state, restarts, memory.' },
  'show config': { ...seen, isOfGunicorn: true, doc: 'Every setting with its present value.' },
  'show stats': { ...seen, isOfGunicorn: true, doc: 'Counters since the start, those of workers that are gone included.' },
  'show listeners': { ...seen, isOfGunicorn: true, doc: 'The sockets that are bound.' },
  'show machines': {
    ...seen,
    arguments: [{ ...pid, isOptional: true }],
    isOfGunicorn: false,
    doc: 'Every chart instance of every process (or of one): its state, for how long, and the event that led there.',
  },
  'show events': {
    ...seen,
    options: [
      { flag: '--actor', name: 'actor', kind: 'text', doc: 'only of actors, charts or processes (by pid) with this in their name' },
      { flag: '--since', name: 'since', kind: 'time', doc: 'not older than this: 30s, 10m, 2h, or a time such as 2026-01-31T12:00:00Z' },
      { flag: '--after', name: 'after', kind: 'number', doc: 'only those with a larger number; how a program goes on reading' },
      { flag: '--limit', name: 'limit', kind: 'count', doc: 'only the last so many; 50 when none of the others is given' },
      { flag: '--follow', name: 'follow', kind: null, doc: 'go on with those to come', isOfClient: true },
    ],
    isOfGunicorn: false,
    doc: 'What every chart of every process did, oldest first.',
  },
  'show requests': { ...seen, isOfGunicorn: false, doc: 'Requests and dirty calls in flight, longest first, with worker and thread.' },
  'show threads': { ...seen, isOfGunicorn: false, doc: 'The threads of workers of class gthread.' },
  'show queues': { ...seen, isOfGunicorn: false, doc: 'What waits: in the kernel, for a thread, for a dirty worker.' },
  'worker add': { ...order, arguments: [count], isOfGunicorn: true, doc: 'N workers more (1).' },
  'worker remove': { ...order, arguments: [count], isOfGunicorn: true, doc: 'N workers less (1); one stays.' },
  'worker kill': {
    ...order,
    arguments: [pid],
    isOfGunicorn: true,
    doc: 'That worker finishes its requests and goes; another takes its place at once.',
  },
  'worker restart': {
    ...order,
    arguments: [{ ...slot, words: ['all'] }],
    isOfGunicorn: false,
    doc: 'Replace the worker of a slot, or all of them: the successor is ready before the old one drains. Same generation.',
  },
  drain: {
    ...order,
    arguments: [slot],
    isOfGunicorn: false,
    doc: 'The worker of a slot finishes its requests and goes, at once; another takes its place, as after worker kill.',
  },
  'dirty add': { ...order, arguments: [count], isOfGunicorn: true, doc: 'N dirty workers more (1).' },
  'dirty remove': { ...order, arguments: [count], isOfGunicorn: true, doc: 'N dirty workers less (1); as many as their apps need stay.' },
  reload: {
    ...order,
    options: [{ flag: '--wait', name: 'wait', kind: null, doc: 'answer when the new workers are ready, or the reload has failed' }],
    isOfGunicorn: true,
    doc: 'Read configuration and app again, and replace all workers without losing a request.',
    patienceS: 3_600,
  },
  reopen: { ...order, isOfGunicorn: true, doc: 'Open the log files again, in all processes.' },
  loglevel: {
    ...order,
    arguments: [{ name: 'LEVEL', kind: 'text', words: levels, isOptional: true }],
    isOfGunicorn: false,
    doc: 'Log from this level on, in all processes, until the next reload; without one, tell the present level.',
  },
  stacks: {
    ...seen,
    arguments: [{ ...pid, words: ['all'] }],
    isOfGunicorn: false,
    doc: 'What a process is doing right now: the stack of its main thread, its requests. It goes on as if nothing had been.',
  },
  profile: {
    ...order,
    arguments: [pid, { name: 'SECONDS', kind: 'seconds' }],
    isOfGunicorn: false,
    doc: 'A CPU profile of a process, written to a .cpuprofile file.',
    patienceS: 700,
  },
  heap: {
    ...order,
    arguments: [pid],
    isOfGunicorn: false,
    doc: 'A heap snapshot of a process, written to a .heapsnapshot file. The process stands still meanwhile.',
    patienceS: 700,
  },
  shutdown: {
    ...order,
    arguments: [{ name: 'graceful|quick', kind: 'text', words: ['graceful', 'quick'], isOptional: true }],
    isOfGunicorn: true,
    doc: 'End: graceful lets requests finish within graceful_timeout, quick cuts them.',
  },
  help: { ...seen, isOfGunicorn: true, doc: 'This list.' },
} as const satisfies Record<string, CommandRow>

export type CommandName = keyof typeof commandTable
export const commandNames = Object.keys(commandTable) as readonly CommandName[]
export const rowOf = (name: CommandName): CommandRow => commandTable[name]

/** `show events [--actor A] [--follow]`, `worker add [N]`. */
export function formOf(name: CommandName): string {
  const row = rowOf(name)
  const words = row.arguments.map((argument) => {
    const shown =
      argument.kind === 'text' ? (argument.words ?? [argument.name]).join('|') : [argument.name, ...(argument.words ?? [])].join('|')
    return argument.isOptional === true ? `[${shown}]` : shown
  })
  const options = row.options.map(({ flag, name: value, kind }) => (kind === null ? `[${flag}]` : `[${flag} ${value.toUpperCase()}]`))
  return [name, ...words, ...options].join(' ')
}

// The type of what a handler is given

interface KindValues {
  readonly count: number
  readonly pid: number
  readonly slot: number
  readonly seconds: number
  readonly number: number
  readonly time: number
  readonly text: string
}

type OneOf<A> = A extends { readonly kind: infer K; readonly name: string }
  ?
      | (K extends 'text'
          ? A extends { readonly words: readonly (infer W)[] }
            ? W
            : string
          : K extends keyof KindValues
            ? KindValues[K]
            : boolean)
      | (A extends { readonly words: readonly (infer W)[] } ? W : never)
      | (A extends { readonly isOptional: true } ? null : never)
  : never

type NameOf<A> = A extends { readonly name: infer N extends string } ? N : never
type ArgumentsOf<N extends CommandName> = (typeof commandTable)[N]['arguments'][number]
type OptionsOf<N extends CommandName> = (typeof commandTable)[N]['options'][number]

export type ValuesOf<N extends CommandName> = {
  readonly [A in ArgumentsOf<N> as NameOf<A>]: OneOf<A>
} & {
  readonly [O in OptionsOf<N> as NameOf<O>]: O extends { readonly kind: null } ? boolean : OneOf<O> | null
}

export type Handlers = { readonly [N in CommandName]: (values: ValuesOf<N>) => object | Promise<object> }
