/** Programs that embed monoceros: each is a process of its own, tells what it sees as lines of JSON, and ends by itself. */
import { join } from 'node:path'
import { distPath, type Running, start, testFolder } from './harness.ts'

const preface = `
import { createPool, createSupervisor, MonocerosError } from ${JSON.stringify(join(distPath, 'src/index.js'))}
const tell = (event, facts = {}) => process.stderr.write(JSON.stringify({ event, ...facts }) + '\\n')
const failing = async (work) => {
  try {
    await work
    return 'it did not fail'
  } catch (error) {
    return error.code ?? String(error.stack)
  }
}
const get = async (address, path = '/') => (await fetch('http://' + address + path, { headers: { connection: 'close' } })).text()
`

/** Runs the text of an ES module, with createSupervisor, createPool, \`tell\`, \`failing\` and \`get\` at hand. */
export function startHost(program: string, files: Readonly<Record<string, string>> = {}): Running {
  const folder = testFolder({ ...files, 'host.mjs': preface + program })
  return start({ cli: join(folder, 'host.mjs'), args: [], cwd: folder })
}

/** The same with options of Node before it, the program given in words. */
export function startEvaluated(options: readonly string[], program: string, files: Readonly<Record<string, string>>): Running {
  const [first = '--input-type=module', ...more] = [...options, '--input-type=module']
  return start({ cli: first, args: [...more, '--eval', preface + program], cwd: testFolder(files) })
}

/** The same, run to its end: what it has told, and how it ended. */
export async function runHost(program: string, files: Readonly<Record<string, string>> = {}) {
  const host = startHost(program, files)
  const exit = await host.exited
  const told = (event: string) => host.all(event).map(({ event: _, ...facts }) => facts as Record<string, unknown>)
  return { exit, told, stdout: host.stdout(), stderr: host.stderr() }
}

/** It has ended as its last line came, and has printed nothing but what it told. */
export const quietEnd = { exit: { code: 0, signal: null }, stdout: '', stderr: '' }
