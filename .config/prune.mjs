// Runs before the package is packed: takes out what neither a door nor a process image reaches. Its code is in the images already,
// and what has no source any longer goes with it.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

// npm prepares a working copy as well, whose tests load single modules.
if (process.argv[2] === undefined && /^(?:ci|install)$/.test(process.env.npm_command ?? '')) process.exit(0)

const dist = resolve(process.argv[2] ?? 'dist')
const { bin, exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const images = ['cli', 'ctl', 'worker', 'watchdog', 'probe', 'thread', 'dirty-arbiter', 'dirty-worker', 'dirty-thread'].map((name) => `src/entry/${name}.js`)
const doors = [bin, exports].flatMap((part) => [...JSON.stringify(part).matchAll(/"(?:\.\/)?dist\/([^"]+\.(?:js|d\.ts))"/g)].map((match) => match[1]))

/** Imports, early and late, and files that are started by URL. */
const reference = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)['"](\.[^'"]+)['"]/g
const reached = new Set()

function reach(path) {
  if (!/\.(?:js|d\.ts)$/.test(path) || reached.has(path) || !existsSync(join(dist, path))) return
  reached.add(path)
  const text = readFileSync(join(dist, path), 'utf8')
  // Examples in docstrings import files of their readers.
  const code = path.endsWith('.d.ts') ? text.replace(/\/\*[^]*?\*\//g, '') : text
  for (const [, to] of code.matchAll(reference)) {
    const target = relative(dist, join(dist, dirname(path), to))
    // Declarations name modules: by the file that will run, or by its source.
    reach(path.endsWith('.d.ts') ? target.replace(/(?:\.d)?\.(?:js|ts)$/, '.d.ts') : target)
  }
}

for (const path of [...images, ...doors]) {
  if (!existsSync(join(dist, path))) throw new Error(`${path} was not built`)
  reach(path)
}
for (const part of ['src', 'machines'])
  for (const path of readdirSync(join(dist, part), { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:js|d\.ts)$/.test(name)))
    if (!reached.has(join(part, path))) rmSync(join(dist, part, path))
