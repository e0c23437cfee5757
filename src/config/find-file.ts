import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MonocerosError, problemOf } from '../base/errors.ts'
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

export interface PackageSettings {
  readonly label: string
  readonly entries: readonly (readonly [name: string, value: unknown])[]
}

/**
 * The `monoceros` key of the package.json nearest to the app, else to the folder; null when there is none.
 *
 * @throws MonocerosError MON_CONFIG_FILE when that package.json cannot be read, or the key is no object
 */
export async function findPackageSettings(app: string | null, folder: string, cwd: string): Promise<PackageSettings | null> {
  const path = await nearestPackage(await startOf(app, folder))
  if (path === null) return null
  const label = labelOf(path, cwd)
  const fail = (problem: string) => new MonocerosError('MON_CONFIG_FILE', { source: label, problem })
  let data: unknown
  try {
    data = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw fail(problemOf(error))
  }
  const settings = (data as { monoceros?: unknown } | null)?.monoceros
  if (settings === undefined) return null
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) throw fail('"monoceros" must be an object of settings')
  return { label, entries: Object.entries(settings) }
}

/** The folder of the app if it is a file; a package name says nothing about where it is run. */
async function startOf(app: string | null, folder: string): Promise<string> {
  const module = app?.split(':')[0] ?? ''
  if (module === '') return folder
  const path = resolve(folder, module)
  return /^\.{0,2}\//.test(module) || (await exists(path)) ? dirname(path) : folder
}

async function nearestPackage(folder: string): Promise<string | null> {
  const path = join(folder, 'package.json')
  if (await exists(path)) return path
  const above = dirname(folder)
  return above === folder ? null : nearestPackage(above)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
