import { type Given, invalid, type Layer, layerOf } from './layer.ts'
import { envOf } from './row.ts'
import { valueRows } from './settings.ts'

/** The MONOCEROS_<SETTING> variables. An empty one counts as not set; lists are separated by commas. */
export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const givens: Given[] = []
  for (const row of valueRows) {
    const name = envOf(row) ?? ''
    const text = env[name]
    if (text === undefined || text === '') continue
    const input = row.type.isList === true ? itemsOf(text) : text
    givens.push({ row, spelled: name, input, source: name })
  }
  return layerOf(givens)
}

function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Every default, some changed by PORT and WEB_CONCURRENCY; those of `taken` are left out, so that what nobody uses is not judged. */
export function defaultLayer(env: NodeJS.ProcessEnv, taken: ReadonlySet<string>): Layer {
  const layer = new Map<string, { value: unknown; source: string }>()
  for (const row of valueRows) {
    if (taken.has(row.name)) continue
    const text = row.defaultFrom === undefined ? '' : (env[row.defaultFrom.env] ?? '').trim()
    if (row.defaultFrom === undefined || text === '') {
      layer.set(row.name, { value: row.default, source: 'default' })
      continue
    }
    const { env: source, shape, problem, allowed, read } = row.defaultFrom
    if (!shape.test(text)) throw invalid(row, text, source, problem, allowed)
    layer.set(row.name, { value: read(text), source })
  }
  return layer
}
