/** The flight recorder of one process: what its charts do goes to whoever keeps it, and to the file where there is one. */
import { resolve } from 'node:path'
import { createRecorderFile } from '../flight-recorder/recorder-file.ts'
import { createTap, type Tap, type TapOptions } from '../flight-recorder/tap.ts'
import type { Log } from '../log/error-log.ts'

export interface Recorder extends Tap {
  /** The file was put aside by somebody. */
  reopen(): void
  /** Others have written to the file. */
  look(): void
  /** Settles when the file has all lines. */
  flush(): Promise<void>
}

export interface RecorderOptions extends TapOptions {
  readonly settings: { readonly flightRecorder: string | null; readonly chdir: string }
  log(): Log
  onSize?(bytes: number): void
}

export function createRecorder({ who, record, settings, log, onSize }: RecorderOptions): Recorder {
  const path = recorderPath(settings)
  if (path === null)
    return { ...createTap({ who, record }), reopen: () => undefined, look: () => undefined, flush: () => Promise.resolve() }
  const file = createRecorderFile({
    path,
    onProblem: (name, facts) => log().event(name, facts),
    ...(onSize === undefined ? {} : { onSize }),
  })
  const tap = createTap({
    who,
    record(step) {
      // First: what the step leads to may be the end of this process.
      file.write(JSON.stringify(step))
      record(step)
    },
  })
  return { ...tap, reopen: file.reopen, look: file.look, flush: file.flush }
}

export function recorderPath({ flightRecorder, chdir }: RecorderOptions['settings']): string | null {
  return flightRecorder === null ? null : resolve(chdir, flightRecorder)
}
