/**
 * The only file that calls private parts of Node's module loader. `node app.js` itself runs a CommonJS program by
 * `Module._load(file, null, true)`, and nothing public makes `require.main === module` true.
 */
import Module from 'node:module'
import { compileFunction } from 'node:vm'

interface ModulePrivate {
  _load(request: string, parent: unknown, isMain: boolean): unknown
  readonly _cache: Record<string, { require: { main?: unknown }; exports: unknown } | undefined>
  readonly _extensions: Record<string, unknown>
}

const internals = Module as unknown as ModulePrivate

/** Runs a CommonJS file as the program of this process and returns its `module.exports`. */
export function runAsMain(file: string): unknown {
  return internals._load(file, null, true)
}

/** True when `require()` of a `.ts` file works: native type stripping, or a hook that the user registered. */
export function canRequireTypeScript(): boolean {
  return internals._extensions['.ts'] !== undefined
}

/**
 * The next module that is put in the cache under this name becomes the main one, before its code runs; for loaders that
 * evaluate CommonJS themselves. Call the answer afterwards: it takes the trap away when nothing came.
 */
export function markMainOnArrival(file: string): () => void {
  const cache = internals._cache
  if (cache[file] !== undefined) return () => {}
  const untrap = () => {
    if (Object.getOwnPropertyDescriptor(cache, file)?.set !== undefined) delete cache[file]
  }
  Object.defineProperty(cache, file, {
    configurable: true,
    enumerable: true,
    get: () => undefined,
    set: (module: { require: { main?: unknown } }) => {
      Object.defineProperty(cache, file, { configurable: true, enumerable: true, writable: true, value: module })
      Object.defineProperty(process, 'mainModule', { configurable: true, enumerable: true, writable: true, value: module })
      module.require.main = module
    },
  })
  return untrap
}

const moduleOnlySyntax =
  /^(?:Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\.meta' outside a module|await is only valid in async functions|Identifier '(?:__filename|__dirname|module|exports|require)' has already been declared)/

/**
 * Whether Node would run this source as an ES module although neither its extension nor a package.json says so: it does
 * not compile as CommonJS, and what stands in the way is syntax that only a module has.
 */
export function hasModuleSyntax(source: string, file: string): boolean {
  try {
    compileFunction(source.replace(/^#!.*/, ''), ['exports', 'require', 'module', '__filename', '__dirname'], { filename: file })
    return false
  } catch (error) {
    return error instanceof SyntaxError && moduleOnlySyntax.test(error.message)
  }
}
