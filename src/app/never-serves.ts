import { MonocerosError } from '../base/errors.ts'

/** Why an app that was loaded will not serve: MON_APP_EXPORT, whichever way that was found out. */
export function neverServes(spec: string, how: 'came-to-its-end' | 'boot-timeout'): MonocerosError {
  const problem =
    how === 'came-to-its-end'
      ? 'it came to its end without exporting a handler and without calling listen() (or it awaits what never comes)'
      : 'it exports no handler, and did not call listen() within boot_timeout'
  return new MonocerosError('MON_APP_EXPORT', { spec, problem })
}
