import { pathToFileURL } from 'node:url'
import { type Entries, type EntriesAnswer, isRecord, kindOf } from './entries.ts'
import { importFresh, importTransformed, withFreshCommonJs } from './fresh-module.ts'
import { framesOf } from './thrown-place.ts'

/** Evaluates a config file that is code: by Node where it can, else by jiti. A default export that is a function is called. */
export async function evaluateModule(path: string, isFresh: boolean): Promise<EntriesAnswer> {
  return await withFreshCommonJs(isFresh, () => entriesOf(path, isFresh))
}

async function entriesOf(path: string, isFresh: boolean): Promise<EntriesAnswer> {
  const module = await importModule(path, isFresh)
  // Native import gives CommonJS a default export; jiti gives its `module.exports` as it is.
  if (!isRecord(module)) return await settingsOf(module, [])
  const named = Object.entries(module).filter(([name]) => !['default', 'module.exports', '__esModule'].includes(name))
  if (!('default' in module)) return { ok: true, entries: named }
  // TypeScript compiled to CommonJS arrives wrapped once more.
  const isWrapped = isRecord(module['default']) && '__esModule' in module['default']
  return await settingsOf(isWrapped ? (module['default'] as Record<string, unknown>)['default'] : module['default'], named)
}

async function settingsOf(exported: unknown, named: Entries): Promise<EntriesAnswer> {
  const settings: unknown = typeof exported === 'function' ? await exported() : exported
  if (!isRecord(settings)) {
    return { ok: false, problem: `exports ${kindOf(settings)} where an object of settings, or a function that returns one, is expected` }
  }
  return { ok: true, entries: [...Object.entries(settings), ...named.filter(([name, value]) => settings[name] !== value)] }
}

async function importModule(path: string, isFresh: boolean): Promise<unknown> {
  const isTypeScript = /\.m?ts$/.test(path)
  const isStripped = 'typescript' in process.features && Boolean(process.features.typescript)
  if (isTypeScript && !isStripped) return await importTransformed(path)
  try {
    return await (isFresh ? importFresh(path) : import(pathToFileURL(path).href))
  } catch (error) {
    if (!isLinkError(error, isTypeScript)) throw error
    return await importTransformed(path)
  }
}

/**
 * What Node refuses before anything has run, and jiti can do, or tell the place of: `import` in a package without
 * "type": "module", enums, decorators, imports without an extension. A syntax error with a place was thrown by running code.
 */
function isLinkError(error: unknown, isTypeScript: boolean): boolean {
  if (error instanceof SyntaxError && framesOf(error).length === 0) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return true
  return isTypeScript && /TYPESCRIPT|TYPE_STRIPPING|ERR_MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT/.test(code)
}
