import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

const fileName = 'monoceros.ctl'

/** Where server and client meet when nothing is said: Gunicorn's rule, with our name. */
function defaultSocketPath(env: NodeJS.ProcessEnv): string {
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime !== undefined && runtime !== '' && isFolder(runtime)) return join(runtime, fileName)
  return join(env['HOME'] || homedir(), '.monoceros', fileName)
}

export function controlSocketPath(given: string | null, folder: string, env: NodeJS.ProcessEnv): string {
  return given === null ? defaultSocketPath(env) : resolve(folder, given)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
