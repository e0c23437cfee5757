/** Lines to a datagram socket through the program `logger`, where nothing in the process can send them. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { flushBoxMs } from '../base/flush-waits.ts'
import type { Datagrams, OnDatagramProblem } from './datagrams.ts'

const queueMaxBytes = 1_048_576

/** Null where there is no such program. Each line begins with its `<priority>`; time and tag are put before by `logger`. */
export function loggerProgram(path: string, tag: string, format: 'rfc3164' | 'rfc5424', onProblem: OnDatagramProblem): Datagrams | null {
  const program = findProgram('logger')
  if (program === null) return null
  const child = spawn(
    program,
    ['--socket', path, '--udp', '--prio-prefix', '--tag', tag, '--socket-errors=off', ...(format === 'rfc5424' ? ['--rfc5424'] : [])],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  child.unref()
  const { stdin } = child
  ;(stdin as unknown as { unref?(): void }).unref?.()
  stdin.on('error', () => undefined) // its end is told below
  child.once('exit', (code, signal) => onProblem(`logger ended (${code ?? signal})`))
  child.on('error', (error) => onProblem(error.message))
  return {
    send(line) {
      if (stdin.writable && stdin.writableLength < queueMaxBytes) stdin.write(`${line}\n`)
    },
    flush: (boxMs = flushBoxMs) =>
      new Promise((resolve) => {
        if (stdin.writableLength === 0) {
          resolve()
          return
        }
        const box = setTimeout(resolve, boxMs)
        stdin.write('', () => {
          clearTimeout(box)
          resolve()
        })
      }),
    close: () => stdin.end(),
  }
}

export const hasLogger = (): boolean => findProgram('logger') !== null

function findProgram(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // not there
    }
  }
  return null
}
