import type { Hooks } from './hook-types.ts'
import { loadFile } from './load-file.ts'
import { spellingsOf } from './row.ts'
import { hookRows } from './sections/hooks.ts'

/**
 * The hooks of a config file, for a worker. The arbiter has judged the file; whether it is still the same one is told by
 * `sha256`, the hash of its text.
 *
 * @throws MonocerosError MON_CONFIG_FILE
 */
export async function loadHooks(path: string): Promise<{ hooks: Hooks; sha256: string }> {
  const { entries, sha256 } = await loadFile(path, { cwd: process.cwd() })
  const names = new Map(hookRows.flatMap((row) => spellingsOf(row).map((spelled) => [spelled, row.name] as const)))
  const hooks: Record<string, unknown> = {}
  for (const [spelled, value] of entries) {
    const name = names.get(spelled)
    if (name !== undefined && typeof value === 'function') hooks[name] = value
  }
  return { hooks: hooks as Hooks, sha256 }
}
