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

/** pino's own ways to a file are never taken, as our sink writes: each process would load them, and node:assert with them. */
const withoutWriters = {
  name: 'without-writers',
  load: (id) => (/\/node_modules\/(sonic-boom|thread-stream|on-exit-leak-free|pino\/lib\/transport)\b/.test(id) ? 'module.exports = class {}' : null),
}

for (const image of ['cli', 'ctl', 'worker', 'watchdog', 'probe', 'thread', 'dirty-arbiter', 'dirty-worker', 'dirty-thread']) {
  const bundle = await rolldown({
    input: join(entries, `${image}.js`),
    platform: 'node',
    // Loaded late or from the app's side: they stay what the package manager installed.
    external: [/^node:/, /^jiti/, /^srvx/, 'piscina', 'smol-toml'],
    // `module`: XState's build of modules, of which what is not used is left out.
    resolve: { conditionNames: ['node', 'module', 'import', 'default'] },
    plugins: [withoutWriters],
    logLevel: 'warn',
  })
  await bundle.write({
    dir: draft,
    format: 'esm',
    entryFileNames: `${image}.js`,
    chunkFileNames: `${image}-[name]-[hash].js`,
    comments: { legal: true, annotation: false, jsdoc: false },
    // Names and lines stay, for stack traces. A single character beyond ASCII would make V8 keep twice the bytes.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true, legalComments: 'inline' } },
  })
  await bundle.close()
}
for (const file of readdirSync(entries)) if (/^(cli|ctl|worker|watchdog|probe|thread|dirty-arbiter|dirty-worker|dirty-thread)-.+-[\w-]{8}\.js$/.test(file)) rmSync(join(entries, file))
for (const file of readdirSync(draft)) renameSync(join(draft, file), join(entries, file))
rmSync(draft, { recursive: true })
