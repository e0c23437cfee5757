/** The commands that are answered by themselves: each loads only what it needs, and none of them the arbiter. */
import { MonocerosError } from '../../base/errors.ts'

type Run = (args: readonly string[]) => Promise<number> | number

const commands: Readonly<Record<string, () => Promise<Run>>> = {
  ctl: async () => (await import('../../control/client/ctl.ts')).runCtl,
  replay: async () => (await import('./replay.ts')).runReplay,
  statechart: async () => (await import('../statechart.ts')).runStatechart,
}

/** @returns the exit code of the process, or null when the first word is no such command */
export async function runSubCommand([word = '', ...args]: readonly string[]): Promise<number | null> {
  if (!Object.hasOwn(commands, word)) return null
  const run = await commands[word]!()
  try {
    return await run(args)
  } catch (error) {
    if (!(error instanceof MonocerosError)) throw error
    process.stderr.write(`monoceros: ${error.message}\nmonoceros: ${error.advice}\n`)
    return error.exitCode
  }
}
