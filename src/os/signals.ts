export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU' | 'SIGWINCH' | 'SIGABRT'

/** Installs a handler; must run before anything else for SIGUSR1, or Node opens a debugger port at the signal. */
export function onSignal(signal: Signal, handler: () => void): void {
  process.on(signal, handler)
}
