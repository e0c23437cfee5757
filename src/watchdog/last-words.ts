import { writeSync } from 'node:fs'
import type { EventName } from '../log/events.ts'

const triesMax = 20

/** Writes one line to stderr from a process whose arbiter and main loop are both lost; bounded, and never throws. */
export function lastWords(event: EventName, facts: Readonly<Record<string, unknown>>, msg: string): void {
  const line = Buffer.from(
    `${JSON.stringify({ level: 'error', time: new Date().toISOString(), event, ...facts, pid: process.pid, msg })}\n`,
  )
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      writeSync(2, line)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return // nobody reads it any more
    }
  }
}
