import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Command, readCommand } from '../../../src/config/read-command.ts'

/** A folder with these files, for one test. */
export function folderWith(files: Readonly<Record<string, string | object>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'monoceros-config-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  write(folder, files)
  return folder
}

export function write(folder: string, files: Readonly<Record<string, string | object>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  }
}

export interface Asked {
  readonly argv?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly fresh?: boolean
}

type Configured = Extract<Command, { kind: 'serve' | 'print-config' | 'check-config' }>

/** The configuration that these sources give; the app is given unless the test gives arguments. */
export async function configOf(asked: Asked): Promise<Configured['config']> {
  const answer = await ask(asked)
  if (!answer.ok) throw answer.error
  if (!('config' in answer.command)) throw new Error(`the command is ${answer.command.kind}`)
  return answer.command.config
}

/** The line and exit code that a bad source gives, as `2 command line: ...`. */
export async function refusalOf(asked: Asked): Promise<string> {
  const answer = await ask(asked)
  return answer.ok ? `accepted as ${answer.command.kind}` : `${answer.exitCode} ${answer.error.message}`
}

export async function ask({ argv = ['./app.js'], env = {}, cwd = folderWith(), fresh = false }: Asked) {
  return await readCommand({ argv, env, cwd, fresh })
}
