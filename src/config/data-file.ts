import { type EntriesAnswer, isRecord, kindOf } from './entries.ts'

/** Reads a config file that is data. `$schema` is for editors. */
export async function parseData(kind: 'json' | 'toml', text: string): Promise<EntriesAnswer> {
  const source = text.replace(/^\uFEFF/, '')
  const data: unknown = kind === 'json' ? parseJson(source) : (await import('smol-toml')).parse(source)
  if (!isRecord(data)) return { ok: false, problem: `holds ${kindOf(data)} where an object of settings is expected` }
  return { ok: true, entries: Object.entries(data).filter(([name]) => name !== '$schema') }
}

/**
 * JSON.parse whose error has a `line`, as that of the TOML parser has. V8 tells how many characters it has read, and not
 * in all of its messages.
 */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const [, message, position] = /^(.*?)(?: in JSON)?(?: at position (\d+).*)?$/s.exec(error.message) ?? []
    const place = position === undefined ? {} : { line: source.slice(0, Number(position)).split('\n').length }
    throw Object.assign(new SyntaxError(message), place)
  }
}
