import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Asked } from './folder.ts'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

export interface Reader {
  /** Calls readCommand, loadFile or loadHooks over there; functions come back as the text `[function]`. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is judged by the tests
  call(call: string, ...parameters: unknown[]): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is judged by the tests
  configOf(asked: Asked & { cwd: string }): Promise<any>
  refusalOf(asked: Asked & { cwd: string }): Promise<string>
  stop(): Promise<void>
}

/** A process that reads configurations as the product does. */
export async function startReader(): Promise<Reader> {
  const build = await built()
  const child = fork(fileURLToPath(new URL('reader.mjs', import.meta.url)), [join(build, 'src/config')], {
    serialization: 'advanced',
    execArgv: [],
  })
  await once(child, 'message')
  let calls = 0

  const call: Reader['call'] = (name, ...parameters) => {
    calls += 1
    const id = calls
    return new Promise((resolve, reject) => {
      const onMessage = (answer: { id: number; value?: unknown; error?: unknown }) => {
        if (answer.id !== id) return
        child.off('message', onMessage)
        if (answer.error === undefined) resolve(answer.value)
        else reject(answer.error)
      }
      child.on('message', onMessage)
      child.send({ id, call: name, parameters })
    })
  }
  const ask = ({ argv = ['./app.js'], env = {}, cwd, fresh = false }: Asked) => call('readCommand', { argv, env, cwd, fresh })
  return {
    call,
    async configOf(asked) {
      const answer = await ask(asked)
      if (!answer.ok) throw new Error(answer.error.message)
      return answer.command.config
    },
    async refusalOf(asked) {
      const answer = await ask(asked)
      return answer.ok ? `accepted as ${answer.command.kind}` : `${answer.exitCode} ${answer.error.message}`
    },
    async stop() {
      child.disconnect()
      await once(child, 'exit')
      rmSync(build, { recursive: true, force: true })
    },
  }
}

/** Inside the repository, so that the built files find their packages. */
async function built(): Promise<string> {
  mkdirSync(join(repository, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(repository, '.cache/config-reader-'))
  const compilerOptions = { outDir: '.', declaration: false, noCheck: true }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../.config/tsconfig.build.json', compilerOptions, include: ['../../src/config'] }),
  )
  await promisify(execFile)(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', folder])
  return folder
}
