import type { Settings } from '../config/settings.ts'
import type { Level } from '../log/level.ts'

/** What a child is started with: the log level may have been changed at run time. */
export function withLevel(settings: Settings, level: Level | null): Readonly<Record<string, unknown>> {
  return { ...settings, ...(level === null ? {} : { loglevel: level }) }
}
