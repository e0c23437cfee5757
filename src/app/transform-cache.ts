import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Where transformed TypeScript is kept for the next worker: under the app's `node_modules`, else in a folder of the
 * temporary directory that is only ours. jiti's own choice, `/tmp/jiti`, would run what any user of the machine put there;
 * and its folder in `node_modules` is shared by tools whose jiti makes other code of the same file, which the names there
 * do not tell apart.
 *
 * @returns false when there is no safe place: each worker then transforms anew
 */
export function transformCache(file: string): string | false {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    if (isWritable(modules)) return join(modules, '.cache', 'monoceros')
    if (folder === dirname(folder)) return privateFolder()
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false // absent, or not ours to write: look further up
  }
}

function privateFolder(): string | false {
  const uid = process.getuid?.() ?? 0
  const folder = join(tmpdir(), `monoceros-transformed-${uid}`)
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true })
    const facts = lstatSync(folder)
    return facts.isDirectory() && facts.uid === uid && (facts.mode & 0o077) === 0 ? folder : false
  } catch {
    return false // a read-only or full disk
  }
}
