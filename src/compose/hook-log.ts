import type { HookLog } from '../config/hook-types.ts'
import type { Log } from '../log/error-log.ts'

/** The log as hooks see it: a sentence of their own at a level of their choice. */
export function hookLog(log: Log): HookLog {
  return {
    debug: (text) => log.event('hook.debug', { text }),
    info: (text) => log.event('hook.info', { text }),
    warning: (text) => log.event('hook.warning', { text }),
    error: (text) => log.event('hook.error', { text }),
  }
}
