/** Where the process images stand beside this module, when a program has loaded it as it was installed. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MonocerosError } from '../../base/errors.ts'

export interface Images {
  readonly workerPath: string
  readonly dirtyPath: string
  readonly probeUrl: URL
  readonly version: string
}

/** @throws MON_EMBED_BUNDLED when a bundler has taken this module out of its package */
export function findImages(moduleUrl: string | undefined): Images {
  const urlOf = (path: string) => new URL(path, moduleUrl)
  try {
    const paths = {
      workerPath: fileURLToPath(urlOf('../../entry/worker.js')),
      dirtyPath: fileURLToPath(urlOf('../../entry/dirty-arbiter.js')),
    }
    const manifest = JSON.parse(readFileSync(urlOf('../../../../package.json'), 'utf8')) as { name: string; version: string }
    if (manifest.name === 'monoceros' && existsSync(paths.workerPath))
      return { ...paths, probeUrl: urlOf('../../entry/probe.js'), version: manifest.version }
  } catch (error) {
    // No such file, or no URL at all in what a bundler made: both mean the same.
    if (!/^(ENOENT|ENOTDIR|ERR_INVALID_URL|ERR_INVALID_ARG_TYPE)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  throw new MonocerosError('MON_EMBED_BUNDLED', { path: moduleUrl ?? 'a bundle' })
}
