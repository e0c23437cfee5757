/** How the log tells why a child, or a thread, cannot boot. */
import { type ErrorCode, errorCodes } from '../base/error-codes.ts'
import type { ErrorData } from '../base/errors.ts'
import type { Log } from '../log/error-log.ts'

/** What stands in the line, beside whom it is about. */
export function cannotBootFacts({ text, code, stack }: ErrorData) {
  return {
    problem: text,
    code,
    ...(Object.hasOwn(errorCodes, code) ? { advice: errorCodes[code as ErrorCode].advice } : {}),
    ...(stack === undefined ? {} : { stack: stack.split('\n') }),
  }
}

const told = new WeakMap<object, string>()

/** Four workers that fail alike would print four times the same stack. @param by who remembers what it has told */
export function tellCannotBoot(
  by: object,
  log: Log,
  { pid, generation }: { pid: number | null; generation: number },
  error: ErrorData,
): void {
  const key = `${generation} ${error.text}`
  if (told.get(by) === key) return
  told.set(by, key)
  log.event('worker.cannot-boot', { childPid: pid, ...cannotBootFacts(error) })
}
