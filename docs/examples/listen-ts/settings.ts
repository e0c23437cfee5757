/** An enum is code, not only a type: stripping the types does not remove it. */
export enum Mode {
  Development = 'development',
  Production = 'production',
}

export class Settings {
  constructor(
    readonly mode: Mode,
    readonly port: number,
  ) {}

  static fromEnvironment(env: NodeJS.ProcessEnv): Settings {
    const mode = env.NODE_ENV === Mode.Production ? Mode.Production : Mode.Development
    return new Settings(mode, Number(env.PORT ?? 3000))
  }
}
