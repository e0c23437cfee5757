import type { Hooks } from './hook-types.ts'
import type { SettingInputs } from './settings.ts'

export type UserConfig = SettingInputs & { readonly [Name in keyof Hooks]?: Hooks[Name] | undefined }

/**
 * Gives a config file in TypeScript or JavaScript its types; what it is given it returns.
 *
 * @example export default defineConfig({ workers: 'auto', maxRequests: 1000 })
 */
export function defineConfig<const Config extends UserConfig | (() => UserConfig | Promise<UserConfig>)>(config: Config): Config {
  return config
}
