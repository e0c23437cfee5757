import { type CallFrame, describeFrame } from '../base/call-frames.ts'

/** As long as a pause may take before the thread is held to be in native code. */
const pausePatienceMs = 1_000
const framesMax = 40

interface Attached {
  readonly sessionId: string
  readonly workerInfo: { readonly title: string }
}

interface FromThread {
  readonly method?: string
  readonly params?: { readonly callFrames?: readonly CallFrame[]; readonly scriptId?: string; readonly url?: string }
}

/**
 * Takes the JavaScript stack of one thread, from the main thread and without a debugger port. Null when no statement was
 * reached in time, which is what native code looks like.
 */
export async function takeThreadStack(threadId: number): Promise<readonly string[] | null> {
  // Loaded by the first autopsy: most workers never take one.
  const { Session } = process.getBuiltinModule('node:inspector')
  const session = new Session()
  session.connect()
  try {
    const sessionId = await attach(session, threadId)
    if (sessionId === null) return null
    return await Promise.race([pause(session, sessionId), new Promise<null>((resolve) => setTimeout(resolve, pausePatienceMs, null))])
  } finally {
    session.post('NodeWorker.disable')
    session.disconnect()
  }
}

/** The inspector numbers threads by itself: the title has the number that Node gave. */
async function attach(session: import('node:inspector').Session, threadId: number): Promise<string | null> {
  let found: string | null = null
  session.on('NodeWorker.attachedToWorker', (message: { params: unknown }) => {
    const { sessionId, workerInfo } = message.params as Attached
    if (workerInfo.title.startsWith(`[worker ${threadId}]`)) found = sessionId
  })
  await new Promise<void>((resolve) => session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve()))
  return found
}

function pause(session: import('node:inspector').Session, sessionId: string): Promise<readonly string[]> {
  const files = new Map<string, string>()
  let nextId = 1
  const send = (method: string) =>
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: nextId++, method }) })
  const paused = new Promise<readonly string[]>((resolve) => {
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (params.sessionId !== sessionId) return
      const { method, params: facts } = JSON.parse(params.message) as FromThread
      if (method === 'Debugger.scriptParsed') files.set(facts?.scriptId ?? '', facts?.url ?? '')
      if (method !== 'Debugger.paused') return
      const frames = (facts?.callFrames ?? []).slice(0, framesMax)
      resolve(frames.map((frame) => describeFrame(frame, files.get(frame.location.scriptId) ?? '')))
      send('Debugger.resume')
    })
  })
  send('Debugger.enable')
  send('Debugger.pause')
  return paused
}
