import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { hasModuleSyntax } from '../os/module-internals.ts'

export interface Format {
  readonly isTypeScript: boolean
  /** How Node evaluates the file: as an ES module or as CommonJS. */
  readonly system: 'esm' | 'cjs'
  /** TypeScript written for tsc's CommonJS output: imports beside `require`, `__dirname` and the like. Only jiti runs it. */
  readonly isMixed: boolean
}

/** What `node FILE` would take the file for: extension, then the nearest package.json's `type`, then its syntax. */
export function formatOf(file: string): Format {
  const extension = extname(file)
  const isTypeScript = /^\.[cm]?tsx?$/.test(extension)
  if (/^\.m/.test(extension)) return { isTypeScript, system: 'esm', isMixed: false }
  const type = /^\.c/.test(extension) ? 'commonjs' : packageType(file)
  const source = type === undefined || isTypeScript ? readFileSync(file, 'utf8') : ''
  if (!isTypeScript) return { isTypeScript, system: type === undefined ? guess(source, file) : systemOf(type), isMixed: false }

  const hasModuleLines = moduleLine.test(source)
  const hasCommonJs = commonJsName.test(source) || importEquals.test(source)
  const isMixed = type !== 'module' && hasModuleLines && (hasCommonJs || type === 'commonjs')
  if (type !== undefined) return { isTypeScript, system: systemOf(type), isMixed }
  return { isTypeScript, system: hasCommonJs && !hasModuleLines ? 'cjs' : 'esm', isMixed }
}

// Types keep such a source from being compiled for the question, so lines decide; a doubtful one is taken for a module.
const moduleLine = /^(?:import\b(?!\s*\(|\s+\w+\s*=\s*require\b)|export\b(?!\s*=))/m
const importEquals = /^(?:import\s+\w+\s*=\s*require\b|export\s*=)/m
const commonJsName = /(?<![.\w$])(?:require\s*\(|require\.main\b|module\.exports\b|exports\.\w|__dirname\b|__filename\b)/

function guess(source: string, file: string): 'esm' | 'cjs' {
  return hasModuleSyntax(source, file) ? 'esm' : 'cjs'
}

function systemOf(type: 'module' | 'commonjs'): 'esm' | 'cjs' {
  return type === 'module' ? 'esm' : 'cjs'
}

/** `type` of the nearest package.json; the first one found ends the search, as in Node. */
function packageType(file: string): 'module' | 'commonjs' | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const text = textOf(join(folder, 'package.json'))
    if (text !== undefined) {
      const type = typeIn(text)
      return type === 'module' || type === 'commonjs' ? type : undefined
    }
    if (folder === dirname(folder) || folder.endsWith('/node_modules')) return undefined
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // no package.json here: look further up
  }
}

function typeIn(text: string): unknown {
  try {
    return JSON.parse(text)?.type
  } catch {
    return undefined // Node itself will complain about it in better words when it imports
  }
}
