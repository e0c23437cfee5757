export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU' | 'SIGWINCH' | 'SIGABRT'

/** Installs a handler; must run before anything else for SIGUSR1, or Node opens a debugger port at the signal. */
export function onSignal(signal: Signal, handler: () => void): void {
  process.on(signal, handler)
}

/**
 * Closes what a SIGUSR1 has opened that came before our handler was there, unless a debugger was asked for. Node starts it
 * from a thread of its own, so it may come to be a little later than the handler: asked for again, it looks again.
 */
export function refuseDebugger(): void {
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  if (/--inspect|--require|--import|(^| )-r\b/.test(options)) return
  // What `inspector.close` is, without loading that module at every start; it does nothing when no port is open.
  const { _debugEnd: close } = process as unknown as { _debugEnd?: () => void }
  close?.()
  setImmediate(() => close?.())
}

/** Ends this process as the signal ends any program that has no handler for it. */
export function endBy(signal: Signal): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
