import { nameDirtyApps, parseDirtySpec } from '../../base/dirty-spec.ts'
import { problemOf } from '../../base/errors.ts'
import { seconds, whole, wholeOr, wholeOrZero } from '../kinds/number.ts'
import { list } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

const apps = list({
  shape: /^[^\0]+$/,
  problem: 'an app is empty',
  allowed: '[NAME=]MODULE:CLASS[:WORKERS], as in images=./images.ts:ImageApp:2',
  placeholder: 'APP',
})

export const dirtyRows = [
  {
    name: 'dirtyApps',
    section: 'dirty',
    type: apps,
    unit: null,
    default: [],
    cli: ['--dirty-app'],
    gunicorn: 'dirty_apps',
    check: appsProblem,
    reload: 'respawn',
    doc: 'Classes whose methods run in processes of their own: [NAME=]MODULE:CLASS[:WORKERS]; repeatable. They are called by NAME, else by the name of the module.',
  },
  {
    name: 'dirtyWorkers',
    section: 'dirty',
    type: wholeOr('auto', 1),
    unit: 'processes',
    default: 'auto',
    cli: ['--dirty-workers'],
    gunicorn: 'dirty_workers',
    reload: 'respawn',
    doc: 'How many processes run dirty apps; auto is one for each CPU that may be used.',
  },
  {
    name: 'dirtySpares',
    section: 'dirty',
    type: whole(0),
    unit: 'processes',
    default: 0,
    cli: ['--dirty-spares'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'How many more dirty workers stand by, booted and with every app loaded, to take the place of one that leaves. They add no calls at once.',
  },
  {
    name: 'dirtyThreads',
    section: 'dirty',
    type: whole(1),
    unit: 'threads',
    default: 1,
    cli: ['--dirty-threads'],
    gunicorn: 'dirty_threads',
    reload: 'respawn',
    doc: 'How many threads of a dirty worker run each app, one call at a time each, unless its class says otherwise.',
  },
  {
    name: 'dirtyTimeout',
    section: 'dirty',
    type: seconds(),
    unit: 's',
    default: 300,
    cli: ['--dirty-timeout'],
    gunicorn: 'dirty_timeout',
    reload: 'respawn',
    doc: 'How long a call may take, from the moment of the call; 0 is for ever. A call may ask for less.',
  },
  {
    name: 'dirtyGracefulTimeout',
    section: 'dirty',
    type: seconds(),
    unit: 's',
    default: 30,
    cli: ['--dirty-graceful-timeout'],
    gunicorn: 'dirty_graceful_timeout',
    reload: 'respawn',
    doc: 'How long calls under way may take to end at a stop or reload, before their worker is killed.',
  },
  {
    name: 'dirtyCancelGrace',
    section: 'dirty',
    type: seconds(false),
    unit: 's',
    default: 1,
    cli: ['--dirty-cancel-grace'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'How long a call that was cancelled, or ran out of time, may take to heed its signal, before its thread is ended.',
  },
  {
    name: 'dirtyQueueMax',
    section: 'dirty',
    type: whole(0),
    unit: 'calls',
    default: 10_000,
    cli: ['--dirty-queue-max'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'How many calls of one app may wait for a worker; those beyond are refused.',
  },
  {
    name: 'dirtyMaxCalls',
    section: 'dirty',
    type: whole(0),
    unit: 'calls',
    default: 0,
    cli: ['--dirty-max-calls'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'Replace a dirty worker after this many calls; 0 is never. With 1 each call has a process of its own, which ends after it.',
  },
  {
    name: 'dirtyMemoryLimit',
    section: 'dirty',
    type: wholeOrZero(64),
    unit: 'MiB',
    default: 0,
    cli: ['--dirty-memory-limit'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'Replace a dirty worker whose resident memory is larger; it finishes its calls first. 0 is no limit.',
  },
  {
    name: 'dirtyThreadMemoryLimit',
    section: 'dirty',
    type: wholeOrZero(32),
    unit: 'MiB',
    default: 0,
    cli: ['--dirty-thread-memory-limit'],
    gunicorn: null,
    reload: 'respawn',
    doc: "How many MiB the heap of a thread of a dirty app may grow to (V8's old generation): beyond, it is ended and replaced alone, and its call fails. 0 is the limit that Node sets by itself.",
  },
  {
    name: 'dirtyFrameMax',
    section: 'dirty',
    type: whole(1, 4_000),
    unit: 'MiB',
    default: 1_024,
    cli: ['--dirty-frame-max'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'How big the arguments of a call, or one value of its answer, may be.',
  },
  {
    name: 'dirtyNice',
    section: 'dirty',
    type: whole(0, 19),
    unit: null,
    default: 10,
    cli: ['--dirty-nice'],
    gunicorn: null,
    reload: 'respawn',
    doc: 'By how much dirty workers stand back for the others when processors are scarce (see nice(1)).',
  },
  {
    name: 'stashEntriesMax',
    section: 'dirty',
    type: whole(0),
    unit: 'entries',
    default: 100_000,
    cli: ['--stash-entries-max'],
    gunicorn: null,
    reload: 'restart',
    doc: 'How many entries the stash holds.',
  },
  {
    name: 'stashBytesMax',
    section: 'dirty',
    type: whole(0),
    unit: 'MiB',
    default: 64,
    cli: ['--stash-bytes-max'],
    gunicorn: null,
    reload: 'restart',
    doc: 'How much the stash holds in all.',
  },
] as const satisfies readonly ValueRow[]

function appsProblem(texts: readonly string[]): string | null {
  const specs = []
  for (const text of texts) {
    const parsed = parseDirtySpec(text)
    if (!parsed.ok) return `${text}: ${parsed.problem}`
    specs.push(parsed.spec)
  }
  try {
    nameDirtyApps(specs)
    return null
  } catch (error) {
    return problemOf(error)
  }
}
