import { MonocerosError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Entries } from './entries.ts'
import { type Given, invalid, type Layer, layerOf } from './layer.ts'
import { isHook, type Row, spellingsOf } from './row.ts'
import { settings } from './settings.ts'

const rowBySpelling: ReadonlyMap<string, Row> = new Map(
  settings.flatMap((row) => spellingsOf(row).map((spelled) => [spelled, row] as const)),
)

/**
 * What a config file, or the `monoceros` key of package.json, sets. An undefined value counts as not set.
 *
 * @throws MonocerosError MON_CONFIG_UNKNOWN, MON_CONFIG_INVALID, MON_CONFIG_CONFLICT
 */
export function fileLayer(entries: Entries, source: string): Layer {
  const givens: Given[] = []
  for (const [spelled, input] of entries) {
    const row = rowBySpelling.get(spelled)
    if (row === undefined) throw unknownSetting(spelled, source)
    if (input === undefined) continue
    if (!isHook(row) && row.isCallersOnly === true) {
      throw invalid(row, input, source, 'a file cannot set it', 'only on the command line or in the environment')
    }
    givens.push({ row, spelled, input, source })
  }
  return layerOf(givens)
}

function unknownSetting(setting: string, source: string): MonocerosError {
  const isSnake = setting.includes('_')
  const meant = nearest(
    setting,
    settings.flatMap((row) => spellingsOf(row).filter((spelled) => spelled.includes('_') === isSnake)),
  )
  return new MonocerosError('MON_CONFIG_UNKNOWN', { source, setting, hint: meant === undefined ? '' : ` (did you mean ${meant}?)` })
}
