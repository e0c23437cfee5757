/** What a process of monoceros means by its exit code; docs/guide/processes.md is made to agree. */
export const exitCodes = {
  ended: { code: 0, meaning: 'ended as asked' },
  failed: { code: 1, meaning: 'failed: configuration, binding, pidfile, an internal error' },
  usage: { code: 2, meaning: 'the command line was wrong' },
  bootFailed: { code: 3, meaning: 'no worker became ready: it died, or boot_timeout passed' },
  appFailed: { code: 4, meaning: 'the app could not be found or imported, or its onStartup threw' },
} as const
