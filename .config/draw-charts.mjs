// Runs after tsc: draws each chart once, as the browser and `monoceros statechart --format svg` show it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Graphviz } from '@hpcc-js/wasm-graphviz'

const dist = resolve(process.argv[2] ?? 'dist')
const load = (path) => import(pathToFileURL(join(dist, path)))
const { charts } = await load('machines/index.js')
const { outlineOf } = await load('src/statechart/outline.js')
const { dotOf } = await load('src/statechart/dot.js')

/** Graphviz says a sentence by an empty link, and titles by the names of its nodes; a browser shows a title as it is. */
function titled(svg) {
  return svg
    .slice(svg.indexOf('<svg'))
    .replace(/<!--[^]*?-->\n/g, '')
    .replace(/<title>[^]*?<\/title>\n(?:<g id="a_[^"]*"><a xlink:title="([^"]*)"[^>]*>\n)?/g, (_, sentence) => (sentence === undefined ? '' : `<title>${sentence}</title>\n`))
    .replace(/<\/a>\n<\/g>\n/g, '')
    .replace(/<g id="a_[^"]*"><a xlink:title="[^"]*"[^>]*>\n/g, '')
    .replace(/ xml:space="preserve"| font-family="[^"]*"/g, '')
}

const graphviz = await Graphviz.load()
mkdirSync(join(dist, 'charts'), { recursive: true })
const outlines = Object.entries(charts).map(([name, machine]) => outlineOf(name, machine))
for (const outline of outlines) writeFileSync(join(dist, 'charts', `${outline.name}.svg`), titled(graphviz.dot(dotOf(outline))))
writeFileSync(join(dist, 'charts', 'outlines.json'), JSON.stringify(outlines))
