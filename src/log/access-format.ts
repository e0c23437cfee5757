import { type AccessEntry, type Atom, atoms, environVariable, requestHeader, responseHeader } from './access-atoms.ts'
import { jsonEntry } from './access-json.ts'

/** Gunicorn's default: the combined format. */
export const defaultAccessFormat = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'

export type FormatEntry = (entry: AccessEntry) => string

// `%%`, `%(name)s`, or a `%(` that is neither closed nor followed by its `s`.
const marks = /%%|%\(([^)]*)\)s|%\(/g

/** What is wrong with a format, or null. An unknown atom is not wrong: it is written as `-`, as Gunicorn does. */
export function checkAccessFormat(format: string): string | null {
  for (const mark of format.matchAll(marks)) {
    if (mark[0] === '%(') return `the atom at position ${mark.index + 1} is not closed: atoms are written as %(h)s`
  }
  return null
}

/** Makes, once, the function that writes a request's line (without newline). `json` gives one JSON object per line. */
export function compileAccessFormat(format: string): FormatEntry {
  if (format === 'json') return (entry) => jsonEntry(entry, microsOf(entry))
  const parts = partsOf(format)
  return (entry) => {
    const micros = microsOf(entry)
    let line = ''
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      line += typeof part === 'string' ? part : part(entry, micros)
    }
    return line
  }
}

function partsOf(format: string): (string | Atom)[] {
  const parts: (string | Atom)[] = []
  let from = 0
  for (const mark of format.matchAll(marks)) {
    parts.push(format.slice(from, mark.index))
    from = mark.index + mark[0].length
    if (mark[1] === undefined) parts.push(mark[0] === '%%' ? '%' : mark[0])
    else parts.push(atomOf(mark[1]))
  }
  return [...parts, format.slice(from)].filter((part) => part !== '')
}

function atomOf(name: string): Atom {
  const [, inner, family] = /^\{([^}]+)\}([ioe])$/.exec(name) ?? []
  if (family === 'i') return requestHeader(inner!.toLowerCase())
  if (family === 'o') return responseHeader(inner!.toLowerCase())
  if (family === 'e') return environVariable(inner!.toUpperCase())
  return Object.hasOwn(atoms, name) ? atoms[name]! : () => '-'
}

function microsOf({ tookMs }: AccessEntry): number {
  return Math.max(0, Math.floor(tookMs * 1_000))
}
