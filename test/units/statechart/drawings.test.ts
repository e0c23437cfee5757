import { describe, expect, it } from 'vitest'
import type { AnyStateMachine } from 'xstate'
import { charts } from '../../../machines/index.ts'
import { arrowId, dotOf, stateId } from '../../../src/statechart/dot.ts'
import { litSvg, stacked, statesMeant } from '../../../src/statechart/lit.ts'
import { mermaidOf } from '../../../src/statechart/mermaid.ts'
import { outlineOf } from '../../../src/statechart/outline.ts'

const outlines = Object.entries(charts).map(([name, machine]) => outlineOf(name, machine as unknown as AnyStateMachine))

describe.each(outlines.map((outline) => [outline.name, outline] as const))('the outline of %s', (_name, outline) => {
  const paths = outline.states.map(({ path }) => path)

  it('has one initial state in the chart and in each nest', () => {
    const nests = ['', ...outline.states.filter(({ isNest }) => isNest).map(({ path }) => path)]
    expect(nests.map((nest) => outline.states.filter(({ parent, isInitial }) => parent === nest && isInitial).length)).toEqual(
      nests.map(() => 1),
    )
  })

  it('has arrows between states only', () => {
    expect(outline.arrows.filter(({ from, to }) => !(from === '' || paths.includes(from)) || !paths.includes(to))).toEqual([])
    expect(outline.arrows.length).toBeGreaterThan(0)
  })

  it('has every state and every arrow in its drawings', () => {
    const dot = dotOf(outline)
    const mermaid = mermaidOf(outline)
    expect(paths.filter((path) => !dot.includes(`id="${stateId(path)}"`))).toEqual([])
    expect(outline.arrows.filter(({ from, to }) => !dot.includes(`id="${arrowId(from, to)}"`))).toEqual([])
    expect(outline.states.filter(({ name }) => !mermaid.includes(`state "${name}"`))).toEqual([])
  })
})

describe('states that are lit', () => {
  const [arbiter] = outlines
  it('are those of a path or a name, and the states around them', () => {
    expect(statesMeant(arbiter!, ['ready.reloading.rolling'])).toEqual(['ready', 'ready.reloading', 'ready.reloading.rolling'])
    expect(statesMeant(arbiter!, ['rolling'])).toEqual(['ready', 'ready.reloading', 'ready.reloading.rolling'])
    expect(statesMeant(arbiter!, ['ready'])).toEqual(['ready'])
    expect(statesMeant(arbiter!, [])).toEqual([])
  })

  it('stand out in each text form', () => {
    expect(mermaidOf(arbiter!, ['ready'])).toContain('class ready lit')
    expect(dotOf(arbiter!, ['draining'])).toMatch(/"draining" \[.*class="state lit".*filled/)
    expect(dotOf(arbiter!, ['ready'])).toMatch(/label="ready".*class="state lit"/)
  })

  it('stand out in a drawing, and only there', () => {
    const svg =
      '<svg width="1pt" height="1pt" viewBox="0.00 0.00 10.00 20.00"><g id="state:a" class="node state"/><g id="state:a.b" class="node state"/></svg>'
    expect(litSvg(svg, ['a'])).toContain('<g id="state:a" class="lit node state"/><g id="state:a.b" class="node state"/>')
  })
})

it('drawings stand one under the other', () => {
  const svg = (width: number, height: number) =>
    `<svg width="${width}pt" height="${height}pt"\n viewBox="0.00 0.00 ${width}.00 ${height}.00"><g/></svg>`
  const all = stacked([svg(10, 20), svg(30, 5)])
  expect([...all.matchAll(/<svg y="(\d+)"/g)].map(([, y]) => y)).toEqual(['0', '44'])
  expect(all).toContain('width="30" height="73"')
})
