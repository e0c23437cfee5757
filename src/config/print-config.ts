import type { ResolvedConfig } from './chain.ts'
import { isHook } from './row.ts'
import { settings } from './settings.ts'
import { show } from './show.ts'

/** One line for each setting and hook, sorted by name: `name = value  # source`. */
export function printConfig(config: ResolvedConfig): string {
  const lines = settings.map((row) => {
    const value = (isHook(row) ? config.hooks[row.name] : config.settings[row.name as keyof typeof config.settings]) ?? null
    const shown = !isHook(row) && row.type.show !== undefined && typeof value === 'number' ? row.type.show(value) : show(value)
    return { name: row.name, shown, source: config.origins[row.name as keyof typeof config.origins] }
  })
  lines.sort((a, b) => (a.name < b.name ? -1 : 1))
  const nameWidth = Math.max(...lines.map(({ name }) => name.length))
  // A long list must not push the sources of all the others out of sight.
  const valueWidth = Math.max(...lines.map(({ shown }) => (shown.length > 80 ? 0 : shown.length)))
  return lines.map(({ name, shown, source }) => `${name.padEnd(nameWidth)} = ${shown.padEnd(valueWidth)}  # ${source}\n`).join('')
}
