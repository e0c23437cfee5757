/** Which program runs the workers: the Node of this process, where it is nothing else. */
import { MonocerosError } from '../../base/errors.ts'

/** @throws MON_EMBED_RUNTIME for an application in which Node is built in, unless another Node is named */
export async function workerRuntime(given: string | undefined): Promise<string> {
  if (given !== undefined) return given
  if (process.versions['electron'] !== undefined || (await isOneFile()))
    throw new MonocerosError('MON_EMBED_RUNTIME', { program: process.execPath })
  return process.execPath
}

/** A single executable application: there is no such module before Node 20.12. */
async function isOneFile(): Promise<boolean> {
  try {
    const sea = (await import('node:sea')) as { isSea(): boolean }
    return sea.isSea()
  } catch {
    return false // this Node makes none
  }
}
