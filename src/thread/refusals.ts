/** What would change the whole process, and with it the other threads, is refused where it is called. */
const refused: Readonly<Record<string, string>> = {
  chdir: 'all threads share one working directory: use the setting chdir, or worker class async',
}

export function refuseProcessCalls(): void {
  for (const [name, why] of Object.entries(refused)) {
    Object.defineProperty(process, name, {
      configurable: true,
      writable: true,
      value: () => {
        throw Object.assign(new Error(`process.${name}() cannot be called under gthread: ${why}`), {
          code: 'ERR_WORKER_UNSUPPORTED_OPERATION',
        })
      },
    })
  }
}
