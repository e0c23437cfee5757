import { basename, dirname, extname, resolve } from 'node:path'

/** Names that say nothing: the folder's name is what people call the app. */
const nameless = new Set(['app', 'index', 'main', 'server', 'src', 'dist', 'lib', 'build'])

/** What titles and logs call the app when `proc_name` does not say: `docs/examples/shop/app.js:app` is `shop`. */
export function appName(spec: string, cwd: string): string {
  const path = resolve(cwd, spec.split(':', 1)[0] ?? '')
  let name = basename(path, extname(path))
  let folder = dirname(path)
  while (nameless.has(name) && folder !== dirname(folder)) {
    name = basename(folder)
    folder = dirname(folder)
  }
  return name === '' ? spec : name
}
