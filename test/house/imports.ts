/** The import graph of the product, read from its sources. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Import {
  /** Path of a file of the product, or the name of a package or builtin. */
  readonly of: string
  readonly isType: boolean
  readonly isDynamic: boolean
}

export interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

const statement = /^(?:import|export)\s+(type\s+)?(?:([^'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gm
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
const builtin = /\bgetBuiltinModule\(\s*['"]([^'"]+)['"]\s*\)/g

export const sources: readonly Source[] = ['machines', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => read(join(folder, path))),
)

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const fixed = [...text.matchAll(statement)].map(([, type, names = '', from = '']) => ({
    of: resolve(path, from),
    isType: type !== undefined || isTypesOnly(names),
    isDynamic: false,
  }))
  // `import('./x.ts').Name` in a type is a type import; in code it is a late one.
  const late = [...text.matchAll(dynamic)].map((match) => ({
    of: resolve(path, match[1] ?? ''),
    isType: text[(match.index ?? 0) + match[0].length] === '.' && !text.startsWith('.then', (match.index ?? 0) + match[0].length),
    isDynamic: true,
  }))
  const asked = [...text.matchAll(builtin)].map(([, of = '']) => ({ of, isType: false, isDynamic: true }))
  return { path, text, imports: [...fixed, ...late, ...asked] }
}

/** `import { type A, type B }` brings no value. */
function isTypesOnly(names: string): boolean {
  const inside = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]
  if (inside === undefined) return false
  const parts = inside
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return parts.length > 0 && parts.every((part) => part.startsWith('type '))
}

function resolve(from: string, target: string): string {
  return target.startsWith('.') ? relative(root, join(root, dirname(from), target)) : target
}

export const sourceAt = (path: string): Source | undefined => sources.find((source) => source.path === path)

/** All that a file brings into a process as it starts: value imports, followed to the end. */
export function closureOf(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { of, isType, isDynamic } of sourceAt(path)?.imports ?? []) if (!isType && !isDynamic) closureOf(of, seen)
  return seen
}
