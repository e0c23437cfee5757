import type { ChartOutline } from './outline.ts'

export const litColour = '#0a7f78'

/** How a drawing looks where no page gives it a look of its own: on light and on dark ground. */
const look = `<style>
text { font-family: system-ui, sans-serif; fill: #1b2430 }
path, polygon, ellipse { stroke: #66707c }
.arrow polygon, .start ellipse, .first polygon { fill: #66707c }
.arrow text, .any text { fill: #55606c }
.lit path { stroke: ${litColour}; stroke-width: 2 }
.node.lit path { fill: ${litColour} }
.node.lit text { fill: #fff; font-weight: bold }
.cluster.lit text { fill: ${litColour}; font-weight: bold }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e9ee }
  path, polygon, ellipse { stroke: #8b96a3 }
  .arrow polygon, .start ellipse, .first polygon { fill: #8b96a3 }
  .arrow text, .any text { fill: #a7b1bc }
}
</style>`

/** The drawing as a file of its own, in which these states and those around them stand out. */
export function litSvg(svg: string, lit: readonly string[]): string {
  const drawn = lit.reduce((text, path) => text.replace(`id="state:${path}" class="`, (found) => `${found}lit `), svg)
  return drawn.replace(/<svg[^>]*>/, (tag) => `${tag}\n${look}`)
}

/** One drawing under the other. */
export function stacked(svgs: readonly string[]): string {
  const gap = 24
  let y = 0
  let width = 0
  const parts = svgs.map((svg) => {
    const [, boxWidth = '0', boxHeight = '0'] = /viewBox="\S+ \S+ (\S+) (\S+)"/.exec(svg) ?? []
    const placed = svg
      .slice(svg.indexOf('<svg'))
      .replace('<svg', `<svg y="${y}"`)
      .replace(/width="[^"]*"\s+height="[^"]*"/, `width="${boxWidth}" height="${boxHeight}"`)
    y += Number(boxHeight) + gap
    width = Math.max(width, Number(boxWidth))
    return placed
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${y}">\n${parts.join('\n')}</svg>\n`
}

/** What is meant by the path of a state, or by its bare name: all of that name, and the states around each. */
export function statesMeant(chart: ChartOutline, words: readonly string[]): string[] {
  const meant = chart.states.filter(({ path, name }) => words.includes(path) || words.includes(name))
  return chart.states
    .filter(({ path }) => meant.some((state) => state.path === path || state.path.startsWith(`${path}.`)))
    .map(({ path }) => path)
}
