import { type CallFrame, describeFrame } from '../base/call-frames.ts'

/** As long as a pause may take before the main thread is held to be in native code. */
const pausePatienceMs = 1_000
const framesMax = 40

/**
 * Takes the JavaScript stack of the main thread without a debugger port: attach, pause, read, resume, detach.
 * Null when no statement was reached in time, which is what native code looks like.
 */
export async function takeMainStack(patienceMs = pausePatienceMs): Promise<readonly string[] | null> {
  // Loaded by the first autopsy: most watchdogs never take one.
  const { Session } = process.getBuiltinModule('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  // A frame of a script that was compiled before we attached has no url of its own; `enable` tells of all scripts first.
  const files = new Map<string, string>()
  session.on('Debugger.scriptParsed', ({ params }) => files.set(params.scriptId, params.url))
  try {
    const paused = new Promise<readonly string[]>((resolve) => {
      session.on('Debugger.paused', ({ params }) => {
        const frames = (params.callFrames as CallFrame[]).slice(0, framesMax)
        resolve(frames.map((frame) => describeFrame(frame, files.get(frame.location.scriptId) ?? '')))
      })
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
    const timer = new Promise<null>((resolve) => setTimeout(resolve, patienceMs, null))
    return await Promise.race([paused, timer])
  } finally {
    session.post('Debugger.resume')
    session.disconnect()
  }
}
