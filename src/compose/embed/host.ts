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
  inspect(inspected: unknown): void
}

export function embeddingHost({ logger, errorlog, inspect }: EmbeddingOptions): ArbiterHost {
  return { ownsProcess: false, inspect, output: outputOf(logger, errorlog), openLog: errorlog === null ? heardLog(logger) : openArbiterLog }
}

/** To the terminal only when that was asked for. */
function outputOf(logger: EmbedLogger | undefined, errorlog: string | null): ChildOutput {
  if (logger !== undefined) return (line, stream, pid) => tellLine(logger, line, stream, pid)
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
