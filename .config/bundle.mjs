/**
 * Makes one file of each process image (and one of each part that is loaded late). An image of eighty small modules costs
 * a start twice as much CPU as the same code in one file; with many workers that is what readiness is made of.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const dist = resolve(process.argv[2] ?? 'dist')
const entries = join(dist, 'src/entry')
const draft = join(dist, 'bundle.tmp')

for (const image of ['cli', 'worker', 'watchdog']) {
  const bundle = await rolldown({
    input: join(entries, `${image}.js`),
    platform: 'node',
    // Loaded late or from the app's side: they stay what the package manager installed.
    external: [/^node:/, /^jiti/, /^srvx/, 'smol-toml'],
    resolve: { conditionNames: ['node', 'import', 'default'] },
    logLevel: 'warn',
  })
  await bundle.write({ dir: draft, format: 'esm', entryFileNames: `${image}.js`, chunkFileNames: `${image}-[name]-[hash].js` })
  await bundle.close()
}
for (const file of readdirSync(entries)) if (/^(cli|worker|watchdog)-.+\.js$/.test(file)) rmSync(join(entries, file))
for (const file of readdirSync(draft)) renameSync(join(draft, file), join(entries, file))
rmSync(draft, { recursive: true })
