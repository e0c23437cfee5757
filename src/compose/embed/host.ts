/** The process of an embedded arbiter is its program's: what it says there, and what its children print. */
import type { Settings } from '../../config/settings.ts'
import { createHeardLog, type Log, type LogTap } from '../../log/error-log.ts'
import type { ChildOutput } from '../../os/child-output.ts'
import { type ArbiterHost, openArbiterLog } from '../arbiter/arbiter-host.ts'
import { type EmbedLogger, tellLine, tellRecord } from './logger.ts'

export interface EmbeddingOptions {
  readonly logger: EmbedLogger | undefined
  /** Where the log goes when that was given: a path, or `-` for stderr; null: to the logger alone. */
  readonly errorlog: string | null
  /** The Node that runs its children. */
  readonly execPath: string
  inspect(inspected: unknown): void
}

export function embeddingHost({ logger, errorlog, execPath, inspect }: EmbeddingOptions): ArbiterHost {
  const toLogger = heardLog(logger)
  return {
    ownsProcess: false,
    inspect,
    execPath,
    output: outputOf(logger, errorlog),
    // A reload may name a file where there was none.
    openLog: (settings, tap) => (errorlog === null && settings.errorlog === '-' ? toLogger : openArbiterLog)(settings, tap),
  }
}

/** To the terminal only when that was asked for. */
function outputOf(logger: EmbedLogger | undefined, errorlog: string | null): ChildOutput {
  if (logger !== undefined) {
    return (line, stream, pid) => {
      try {
        tellLine(logger, line, stream, pid)
      } catch {
        // A logger that fails costs its line, never the program that waits for its workers.
      }
    }
  }
  return errorlog === '-' ? 'inherit' : 'ignore'
}

const heardLog =
  (logger: EmbedLogger | undefined) =>
  ({ loglevel }: Settings, tap: LogTap): Log =>
    createHeardLog({
      level: loglevel,
      who: { role: 'arbiter' },
      tap,
      hear: (record) => logger !== undefined && tellRecord(logger, record),
    })
