/** A frame of a paused script, as V8's inspector tells it. */
export interface CallFrame {
  readonly functionName: string
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number }
}

/** A frame as a line of a stack. `file` is the script's url. */
export function describeFrame(frame: CallFrame, file: string): string {
  const place = `${file.replace(/^file:\/\//, '')}:${frame.location.lineNumber + 1}:${(frame.location.columnNumber ?? 0) + 1}`
  return frame.functionName === '' ? `at ${place}` : `at ${frame.functionName} (${place})`
}

/** Node between two callbacks, or the timer of our own by which a loop shows that it turns. */
const waiting = /^at (?:.* \(node:|node:|takePulse )/

/** Whether a stack, taken at the next statement, is that of a loop which waits. */
export const isIdleStack = (stack: readonly string[]): boolean => stack.every((frame) => waiting.test(frame))
