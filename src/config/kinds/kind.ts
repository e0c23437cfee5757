import type { GenericSchema } from 'valibot'

/**
 * What values a setting takes. `schema` reads a value of any source (text of the environment and the command line, data
 * of files) into what the code uses; the rest describes it to people, to editors and to the shell.
 */
export interface Kind<Out, In = Out> {
  readonly schema: GenericSchema<unknown, Out>
  readonly allowed: string
  readonly placeholder: string
  readonly json: Readonly<Record<string, unknown>>
  readonly choices?: readonly string[]
  readonly isFlag?: true
  readonly isList?: true
  readonly isPath?: true
  readonly show?: (value: Out) => string
  /** Only a type: what a config file in TypeScript may hold. */
  readonly input?: In
}
