import { realpathSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MonocerosError, problemOf } from '../base/errors.ts'
import { canRequireTypeScript, runAsMain } from '../os/module-internals.ts'
import { type Format, formatOf } from './format.ts'
import { importLinked } from './link.ts'
import { markModuleMain } from './module-main.ts'
import { isUncompiled, placed, withPlace } from './place.ts'
import { importByJiti } from './typescript.ts'

/** What a module exports; of a CommonJS file, `default` is its `module.exports`. */
export type ModuleNamespace = Readonly<Record<string, unknown>>

export interface ImportOptions {
  readonly cwd: string
  /** The spec as the user wrote it, for errors; the file by default. */
  readonly spec?: string
  /** What the program finds in `process.argv` after its own name. */
  readonly args?: readonly string[]
}

/**
 * Runs the app's file as the program of this process, the way `node FILE` would: `process.argv[1]` is the file and, in
 * CommonJS, `require.main === module`. TypeScript needs no build.
 *
 * What Node cannot link (extension-less imports, enums, decorators) is tried once more through jiti. An ES module is known
 * not to have run then; CommonJS TypeScript is given to jiti only when its own text did not compile, so an error of
 * something it requires while it runs is the app's.
 *
 * @throws MonocerosError MON_APP_IMPORT with the app's own error as its cause
 */
export async function importApp(file: string, options: ImportOptions): Promise<ModuleNamespace> {
  process.argv = [process.execPath, file, ...(options.args ?? [])]
  try {
    // Node, too, runs what a link points at: relative imports start from there.
    const real = realpathSync(file)
    return await run(real, formatOf(real))
  } catch (error) {
    const problem = placed(error, options.cwd)
    throw new MonocerosError('MON_APP_IMPORT', { spec: options.spec ?? relative(options.cwd, file), problem }, error)
  }
}

/** Imports a module that is not the program, such as a worker class: in the same syntaxes, and it throws what it throws. */
export async function importPart(file: string): Promise<ModuleNamespace> {
  const real = realpathSync(file)
  const format = formatOf(real)
  if (!format.isTypeScript) return await import(pathToFileURL(real).href)
  return await (format.isMixed || format.system === 'cjs' ? runByJiti(real, false) : runModule(real, format, false))
}

function run(file: string, format: Format): Promise<ModuleNamespace> {
  if (format.isMixed) return runByJiti(file, true)
  if (format.system === 'esm') return runModule(file, format, true)
  if (!format.isTypeScript) return runCommonJs(file)
  return canRequireTypeScript() ? runCommonJsTypeScript(file) : runByJiti(file, true)
}

async function runModule(file: string, format: Format, isMain: boolean): Promise<ModuleNamespace> {
  const url = pathToFileURL(file).href
  const unmark = isMain ? markModuleMain(file, url) : () => {}
  const answer = await importLinked(url).finally(unmark)
  if (answer.ok) return answer.namespace
  // A decorator hides from Node that the file is an ES module: it links as CommonJS, and then does not compile.
  const hasRun = answer.isLinked && !isUncompiled(answer.error, file)
  const concernsTypeScript = format.isTypeScript || /\.[cm]?tsx?\b/.test(problemOf(answer.error))
  if (hasRun || !concernsTypeScript) throw hasRun ? answer.error : withPlace(answer.error, file)
  return runByJiti(file, isMain).catch((error: unknown) => {
    // Where neither finds a module, Node's sentence is the one that names the importer.
    throw isNotFound(error) && isNotFound(answer.error) ? answer.error : error
  })
}

async function runCommonJs(file: string): Promise<ModuleNamespace> {
  try {
    return namespaceOf(runAsMain(file))
  } catch (error) {
    // A loader may have made a module of the file itself; nothing of it has run then.
    if (codeOf(error) !== 'ERR_REQUIRE_ESM' || !isAbout(error, file)) throw error
    return await import(pathToFileURL(file).href)
  }
}

async function runCommonJsTypeScript(file: string): Promise<ModuleNamespace> {
  try {
    return namespaceOf(runAsMain(file))
  } catch (error) {
    if (!isUncompiled(error, file)) throw error
    return await runByJiti(file, true)
  }
}

async function runByJiti(file: string, isMain: boolean): Promise<ModuleNamespace> {
  return namespaceOf(await importByJiti(file, isMain))
}

/** CommonJS made from an ES module is one; anything else that was exported is the default, as `import` has it. */
function namespaceOf(exported: unknown): ModuleNamespace {
  const object = (exported ?? {}) as Record<PropertyKey, unknown>
  const isNamespace = object[Symbol.toStringTag] === 'Module' || (object['__esModule'] === true && 'default' in object)
  return isNamespace ? object : { default: exported }
}

function isNotFound(error: unknown): boolean {
  return /MODULE_NOT_FOUND$/.test(codeOf(error) ?? '')
}

function isAbout(error: unknown, file: string): boolean {
  return error instanceof Error && error.message.includes(file)
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | null | undefined)?.code
}
