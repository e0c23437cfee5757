import { Session } from 'node:inspector'

/** As long as a pause may take before the main thread is held to be in native code. */
const pausePatienceMs = 1_000
const framesMax = 40

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly location: { readonly lineNumber: number; readonly columnNumber?: number }
}

/**
 * Takes the JavaScript stack of the main thread without a debugger port: attach, pause, read, resume, detach.
 * Null when no statement was reached in time, which is what native code looks like.
 */
export async function takeMainStack(): Promise<readonly string[] | null> {
  const session = new Session()
  session.connectToMainThread()
  try {
    const paused = new Promise<readonly string[]>((resolve) => {
      session.on('Debugger.paused', ({ params }) => resolve((params.callFrames as CallFrame[]).slice(0, framesMax).map(describe)))
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
    const timer = new Promise<null>((resolve) => setTimeout(resolve, pausePatienceMs, null))
    return await Promise.race([paused, timer])
  } finally {
    session.post('Debugger.resume')
    session.disconnect()
  }
}

function describe(frame: CallFrame): string {
  const place = `${frame.url.replace(/^file:\/\//, '')}:${frame.location.lineNumber + 1}:${(frame.location.columnNumber ?? 0) + 1}`
  return frame.functionName === '' ? `at ${place}` : `at ${frame.functionName} (${place})`
}
