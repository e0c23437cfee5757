import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { markMainOnArrival } from '../os/module-internals.ts'
import { transformCache } from './transform-cache.ts'

/**
 * Imports TypeScript through jiti: every syntax of tsc (enums, decorators with their metadata), extension-less
 * imports, `./x.js` meaning `x.ts`, paths of tsconfig.json, and both `import` and `require` in one file.
 *
 * @param isMain it is the program of this process
 */
export async function importByJiti(file: string, isMain: boolean): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(pathToFileURL(file).href, {
    // With the interop proxies each use of an imported name costs 25 to 60 times as much.
    interopDefault: false,
    moduleCache: true,
    fsCache: transformCache(file),
    tsconfigPaths: true,
    ...(extname(file).endsWith('x') ? { jsx: { runtime: 'automatic' as const } } : {}),
  })
  const untrap = isMain ? markMainOnArrival(file) : () => {}
  try {
    return await jiti.import(file)
  } finally {
    untrap()
  }
}
