/** Whose process an arbiter runs in, and where its words and those of its children go. */
import { resolve } from 'node:path'
import type { Settings } from '../../config/settings.ts'
import { createErrorLog, type Log, type LogTap } from '../../log/error-log.ts'
import type { ChildOutput } from '../../os/child-output.ts'

export interface ArbiterHost {
  /** False: somebody else's. Its working directory, title and signals are left alone. */
  readonly ownsProcess: boolean
  /** The Node that runs the children. */
  readonly execPath: string
  /** Where what the children print goes. */
  readonly output: ChildOutput
  /** Of the arbiter itself. */
  openLog(settings: Settings, tap: LogTap): Log
  /** Whoever else looks into the charts, as XState tells of them. */
  readonly inspect: ((inspected: unknown) => void) | null
}

export function openArbiterLog(settings: Settings, tap: LogTap): Log {
  return createErrorLog({
    destination: settings.errorlog === '-' ? '-' : resolve(settings.chdir, settings.errorlog),
    format: settings.logFormat,
    level: settings.loglevel,
    who: { role: 'arbiter' },
    tap,
  })
}

/** The process that the command line has started is the arbiter's own. */
export const ownProcess: ArbiterHost = {
  ownsProcess: true,
  execPath: process.execPath,
  output: 'inherit',
  openLog: openArbiterLog,
  inspect: null,
}
