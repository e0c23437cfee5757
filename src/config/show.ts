/** One line for any value, near JSON; it never throws, whatever the value does when it is read. */
export function show(value: unknown): string {
  try {
    return plain(showAs(value, 0))
  } catch {
    return `[${typeof value}]`
  }
}

/** The same, cut to fit into an error line. */
export function showShort(value: unknown): string {
  const shown = show(value)
  return shown.length <= 80 ? shown : `${shown.slice(0, 77)}...`
}

function showAs(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return `[function ${typeof value.name === 'string' ? value.name || 'anonymous' : 'anonymous'}]`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (depth > 3) return '[...]'
  if (Array.isArray(value)) return `[${value.map((item) => showAs(item, depth + 1)).join(', ')}]`
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}: ${showAs(field, depth + 1)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

/** Control characters and the line ends of Unicode as escapes: the output stays on its line, and terminals stay as they are. */
function plain(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
