import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { flag } from '../kinds/choice.ts'
import { octal } from '../kinds/number.ts'
import { account, list, path, text } from '../kinds/text.ts'
import type { CheckContext, ValueRow } from '../row.ts'

const variables = list({
  shape: /^[^=\0]+=[^\0]*$/,
  problem: 'an item is not NAME=VALUE',
  allowed: 'NAME=VALUE',
  placeholder: 'NAME=VALUE',
})

export const mechanicsRows = [
  {
    name: 'chdir',
    section: 'mechanics',
    type: path,
    unit: null,
    default: '.',
    cli: ['--chdir'],
    gunicorn: 'chdir',
    check: folderProblem,
    reload: 'respawn',
    doc: 'The folder to enter before the app is loaded. The config file is looked for before that.',
  },
  {
    name: 'rawEnv',
    section: 'mechanics',
    type: variables,
    unit: null,
    default: [],
    cli: ['-e', '--env'],
    gunicorn: 'raw_env',
    reload: 'respawn',
    doc: 'Variables to set in the environment of the workers; repeatable. In MONOCEROS_RAW_ENV they are separated by commas.',
  },
  {
    name: 'pidfile',
    section: 'mechanics',
    type: path,
    unit: null,
    default: null,
    cli: ['-p', '--pid'],
    gunicorn: 'pidfile',
    reload: 'restart',
    doc: 'A file to write the process id of the arbiter to.',
  },
  {
    name: 'user',
    section: 'mechanics',
    type: account,
    unit: null,
    default: null,
    cli: ['-u', '--user'],
    gunicorn: 'user',
    reload: 'respawn',
    doc: 'Run the workers as this user (a name or a number). The arbiter keeps its own.',
  },
  {
    name: 'group',
    section: 'mechanics',
    type: account,
    unit: null,
    default: null,
    cli: ['-g', '--group'],
    gunicorn: 'group',
    reload: 'respawn',
    doc: 'Run the workers as this group (a name or a number).',
  },
  {
    name: 'umask',
    section: 'mechanics',
    type: octal,
    unit: null,
    default: 0,
    cli: ['-m', '--umask'],
    gunicorn: 'umask',
    reload: 'restart',
    doc: 'The file mode mask under which Unix sockets are created, in octal (0022). The app keeps the mask of the process.',
  },
  {
    name: 'initgroups',
    section: 'mechanics',
    type: flag,
    unit: null,
    default: false,
    cli: ['--initgroups'],
    gunicorn: 'initgroups',
    reload: 'respawn',
    doc: 'With --user: give the workers the supplementary groups of that user too.',
  },
  {
    name: 'procName',
    section: 'mechanics',
    type: text,
    unit: null,
    default: null,
    cli: ['-n', '--name'],
    gunicorn: 'proc_name',
    reload: 'restart',
    doc: 'The name in process titles and logs; the app as given when left out.',
  },
  {
    name: 'fastResponse',
    section: 'mechanics',
    type: flag,
    unit: null,
    default: true,
    cli: ['--fast-response'],
    gunicorn: null,
    reload: 'respawn',
    doc: "For fetch apps: put srvx's FastResponse in the place of globalThis.Response in the worker.",
  },
] as const satisfies readonly ValueRow[]

function folderProblem(value: string, context: CheckContext): string | null {
  const found = statSync(resolve(context.cwd, value), { throwIfNoEntry: false })
  if (found === undefined) return 'there is no such folder'
  return found.isDirectory() ? null : 'not a folder'
}
