import { wholeOrZero } from '../kinds/number.ts'
import { path } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

export const flightRecorderRows = [
  {
    name: 'flightRecorder',
    section: 'logging',
    type: path,
    unit: null,
    default: null,
    cli: ['--flight-recorder'],
    gunicorn: null,
    check: notStandard,
    reload: 'restart',
    doc: 'A file to which every process appends each transition of its charts as a line of JSON, so that `monoceros replay` can tell what happened even after a SIGKILL of everything. Off when left out.',
  },
  {
    name: 'flightRecorderMax',
    section: 'logging',
    type: wholeOrZero(1),
    unit: 'MiB',
    default: 64,
    cli: ['--flight-recorder-max'],
    gunicorn: null,
    reload: 'restart',
    doc: 'How large that file may grow before it is moved to PATH.1, of which there is one; 0 leaves it alone, for logrotate.',
  },
] as const satisfies readonly ValueRow[]

function notStandard(destination: string | null): string | null {
  return destination === '-' ? 'it is a file that is read back: give it a path' : null
}
