/** Small consumers for tests of the worker class job. They tell what they do by ctx.logger, and wait for files that tests write. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LogLine, type Running, type StartOptions, start } from './harness.ts'

/** For the top of a consumer: `until(file)` settles when that file is there, `until(file, signal)` also when the signal aborts. */
export const waiting = `
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
const until = async (file, signal) => { while (!existsSync(file) && !signal?.aborted) await pause(10) }
`

/** Ready at once, and then as long as it is not told to end. */
export const patient = `${waiting}
export default async ({ ready, signal }) => { ready(); await until('never', signal) }
`

export function startJob(app: string, args: readonly string[] = [], files: StartOptions['files'] = {}): Running {
  return start({ args: ['consumer.mjs', '-k', 'job', ...args], files: { 'consumer.mjs': app, ...files } })
}

export const put = (server: Running, file: string, text = ''): void => writeFileSync(join(server.folder, file), text)

/** What the consumer said: the texts of its lines, in their order. */
export const said = (server: Running, event = 'app.info'): string[] => server.all(event).map((line) => String(line['text']))

export const saying = (server: Running, text: string): Promise<LogLine> => server.until('app.info', { text })
