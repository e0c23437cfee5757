import { lstat, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MonocerosError, problemOf } from '../base/errors.ts'
import { parseJson } from './data-file.ts'
import { type Entries, isRecord } from './entries.ts'
import { configExtensions, labelOf } from './load-file.ts'

/**
 * The config file of a folder, or null.
 *
 * @throws MonocerosError MON_CONFIG_CONFLICT when there is more than one
 */
export async function findConfigFile(folder: string): Promise<string | null> {
  const names = configExtensions.map((extension) => `monoceros.config.${extension}`)
  const isThere = await Promise.all(names.map((name) => exists(join(folder, name))))
  const found = names.filter((_, index) => isThere[index])
  if (found.length > 1) {
    throw new MonocerosError('MON_CONFIG_CONFLICT', { source: 'config file', problem: `there are ${found.join(' and ')}` })
  }
  return found[0] === undefined ? null : join(folder, found[0])
}

/**
 * The `monoceros` key of the package.json nearest to the app, else to the folder; null when there is none.
 *
 * @throws MonocerosError MON_CONFIG_FILE when that package.json cannot be read, or the key is no object
 */
export async function findPackageSettings(app: string | null, folder: string, cwd: string): Promise<Entries | null> {
  const path = await nearestPackage(await startOf(app, folder))
  if (path === null) return null
  const fail = (problem: string) => new MonocerosError('MON_CONFIG_FILE', { source: labelOf(path, cwd), problem })
  let data: unknown
  try {
    data = parseJson(await readFile(path, 'utf8'))
  } catch (error) {
    throw fail(problemOf(error))
  }
  const settings = isRecord(data) ? data['monoceros'] : undefined
  if (settings === undefined) return null
  if (!isRecord(settings)) throw fail('"monoceros" must be an object of settings')
  return Object.entries(settings).filter(([name]) => name !== '$schema')
}

/** The app if it is a path, else the folder: the name of a package says nothing about where it is run. */
async function startOf(app: string | null, folder: string): Promise<string> {
  const module = app?.split(':')[0] ?? ''
  if (module === '') return folder
  const path = resolve(folder, module)
  return /^\.{0,2}\//.test(module) || (await exists(path)) ? path : folder
}

async function nearestPackage(folder: string): Promise<string | null> {
  const path = join(folder, 'package.json')
  if (await exists(path)) return path
  const above = dirname(folder)
  return above === folder ? null : nearestPackage(above)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
