/** The servers to compare with. They are installed when a benchmark first wants them, and never with the product. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

export function installPeers(): void {
  if (existsSync(join(folder, 'node_modules/pm2'))) return
  process.stderr.write('installing the peers of bench/package.json into bench/node_modules\n')
  const { status } = spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('the peers could not be installed')
}

export const pm2Path = join(folder, 'node_modules/pm2/bin/pm2')

export function pm2Version(): string {
  const require = createRequire(import.meta.url)
  return (require(join(folder, 'node_modules/pm2/package.json')) as { version: string }).version
}
