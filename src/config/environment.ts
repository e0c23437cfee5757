import { type Given, invalid, type Layer, layerOf, type Placed } from './layer.ts'
import { envOf, sameAsOf } from './row.ts'
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

/** Every default, some changed by PORT and WEB_CONCURRENCY; those of what is given are left out, so that what nobody uses is not judged. */
export function defaultLayer(env: NodeJS.ProcessEnv, given: Layer): Layer {
  const layer = new Map<string, Placed>()
  for (const row of valueRows) {
    if (given.has(row.name)) continue
    const sameAs = sameAsOf(row)
    const other = sameAs === null ? undefined : (given.get(sameAs) ?? layer.get(sameAs))
    if (other !== undefined) {
      layer.set(row.name, other.source === 'default' ? other : { value: other.value, source: `${sameAs} (${other.source})` })
      continue
    }
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
