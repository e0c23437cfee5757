import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { charts } from '../../machines/index.ts'
import { cliPath } from '../support/harness.ts'

function statechart(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cliPath, 'statechart', ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const idsOf = (svg: string, lit: boolean) =>
  [...svg.matchAll(/<g id="state:([\w.-]+)" class="(lit )?/g)].filter(([, , isLit]) => (isLit !== undefined) === lit).map(([, id]) => id)

test('each chart is printed in each form, and a drawing has all of its states', () => {
  expect(statechart()).toMatchObject({ status: 0, stderr: '' })
  for (const [format, start] of [
    ['mermaid', '%% rolling'],
    ['dot', 'digraph "rolling"'],
    ['svg', '<svg'],
    ['json', '{'],
  ] as const) {
    const { status, stdout } = statechart('rolling', '--format', format)
    expect([format, status, stdout.slice(0, start.length)]).toEqual([format, 0, start])
  }
  const told = JSON.parse(statechart('all', '-f', 'json').stdout) as { name: string; states: { path: string }[] }[]
  expect(told.map(({ name }) => name)).toEqual(Object.keys(charts))
  expect(idsOf(statechart('all', '-f', 'svg').stdout, false).sort()).toEqual(
    told.flatMap(({ states }) => states.map(({ path }) => path)).sort(),
  )
})

test('a state that is asked for is lit with the states around it, and no other', () => {
  expect(idsOf(statechart('arbiter', '-f', 'svg', '--state', 'ready.reloading.binding').stdout, true).sort()).toEqual([
    'ready',
    'ready.reloading',
    'ready.reloading.binding',
  ])
  expect(idsOf(statechart('worker-handle', '-f', 'svg', '--state', 'draining', '--state', 'autopsy').stdout, true).sort()).toEqual([
    'draining',
    'killing',
    'killing.autopsy',
  ])
})

test('a drawing refers to nothing outside of itself', () => {
  const links = [...statechart('all', '-f', 'svg').stdout.matchAll(/(?:href|src)="|url\(|@import/g)].map(String)
  expect(links).toEqual([])
})

test.each([
  [['wroker'], 'worker'],
  [['worker', '--format', 'sgv'], 'svg'],
  [['worker', '--state', 'drainin'], 'draining'],
])('%s is refused with the nearest name', (args, meant) => {
  const { status, stdout, stderr } = statechart(...args)
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr.split('\n')[0]).toContain(`did you mean ${meant}?`)
})

test('an option that does not exist, and a second name, are refused', () => {
  expect(statechart('--nonsense').status).toBe(2)
  expect(statechart('worker', 'lane').status).toBe(2)
})
