// Runs after draw-charts.mjs: builds the page of the dashboard, with every chart in it. It asks for nothing from elsewhere.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const dist = resolve(process.argv[2] ?? 'dist')
const charts = join(dist, 'charts')

const builtCharts = {
  name: 'built-charts',
  resolveId: (id) => (id === 'virtual:charts' ? '\0charts' : null),
  load(id) {
    if (id !== '\0charts') return null
    const names = readdirSync(charts).filter((name) => name.endsWith('.svg'))
    const drawings = Object.fromEntries(names.map((name) => [name.replace('.svg', ''), readFileSync(join(charts, name), 'utf8')]))
    return `export const outlines = ${readFileSync(join(charts, 'outlines.json'), 'utf8')}\nexport const drawings = ${JSON.stringify(drawings)}`
  },
}

await build({
  configFile: false,
  root: fileURLToPath(new URL('../src/dashboard/page', import.meta.url)),
  base: '/',
  logLevel: 'warn',
  plugins: [builtCharts],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(dist, 'page'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: { output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]' } },
  },
})
