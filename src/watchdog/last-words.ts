import { writeSync } from 'node:fs'

const triesMax = 20

/** Writes one line to stderr from a process whose arbiter and main loop are both lost; bounded, and never throws. */
export function lastWords(facts: Readonly<Record<string, unknown>>): void {
  const line = Buffer.from(`${JSON.stringify({ time: new Date().toISOString(), level: 'error', pid: process.pid, ...facts })}\n`)
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      writeSync(2, line)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return // nobody reads it any more
    }
  }
}
