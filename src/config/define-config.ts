import type { Hooks } from './hook-types.ts'
import type { SettingInputs } from './settings.ts'

/** What a config file may hold: any setting by its name in docs/reference/settings.md, and hooks. */
export type UserConfig = SettingInputs & { readonly [Name in keyof Hooks]?: Hooks[Name] | undefined }

/**
 * Gives a config file in TypeScript or JavaScript its types; what it is given it returns.
 *
 * @param config the settings; or a function, sync or async, that answers with them
 * @example
 * // monoceros.config.ts: monoceros app.ts
 * import { defineConfig } from 'monoceros'
 *
 * export default defineConfig({
 *   workers: 'auto',
 *   maxRequests: 1000,
 *   whenReady: (arbiter) => arbiter.log.info(`${arbiter.workers} workers at ${arbiter.address.join(' and ')}`),
 * })
 */
export function defineConfig<const Config extends UserConfig | (() => UserConfig | Promise<UserConfig>)>(config: Config): Config {
  return config
}
