/** Tables that users read, held against the code that uses them, both ways. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pages } from '../../docs/generate.ts'
import { charts } from '../../machines/index.ts'
import { plainEvent, sentences } from '../../machines/sentences.ts'
import { errorCodes } from '../../src/base/error-codes.ts'
import { exitCodes } from '../../src/base/exit-codes.ts'
import { dirtyEvents } from '../../src/compose/arbiter/keeper-chart.ts'
import { flags } from '../../src/config/command-line.ts'
import { events } from '../../src/log/events.ts'
import { root, sourceAt, sources } from './imports.ts'

const codeOf = (except: string) =>
  sources
    .filter(({ path }) => path !== except)
    .map(({ text }) => text)
    .join('\n')

test('every error code is used, and every code that is used is in the table', () => {
  const text = codeOf('src/base/error-codes.ts')
  const used = new Set([...text.matchAll(/(?<!startsWith\()'(MON_[A-Z]+(?:_[A-Z]+)*)'/g)].map((match) => match[1]))
  expect([...used].sort()).toEqual(Object.keys(errorCodes).sort())
})

test('every log event is used', () => {
  const text = codeOf('src/log/events.ts')
  expect(Object.keys(events).filter((name) => !text.includes(`'${name}'`))).toEqual([])
})

test('every event that a chart notes is in the table', () => {
  const noted = sources
    .filter(({ path }) => path.startsWith('machines/'))
    .flatMap(({ text }) => [...text.matchAll(/(?:event: |note\()'([a-z]+\.[a-z-]+)'/g)].map((match) => match[1] ?? ''))
  expect(noted.length).toBeGreaterThan(10)
  expect(noted.filter((name) => !(name in events))).toEqual([])
})

test('every event that the chart of a child notes has its word for a dirty arbiter', () => {
  const text = sourceAt('machines/worker-handle.ts')?.text ?? ''
  const noted = new Set([...text.matchAll(/'(worker\.[a-z-]+)'/g)].map((match) => match[1]))
  expect(Object.keys(dirtyEvents).sort()).toEqual([...noted].sort())
})

describe.each(Object.entries(charts))('the chart %s', (name, machine) => {
  test('has a sentence for every state', () => {
    const nodes: { id: string; description?: string | undefined; states: object }[] = []
    const collect = (node: (typeof nodes)[number]) => {
      nodes.push(node)
      for (const child of Object.values(node.states)) collect(child)
    }
    collect(machine.root)
    expect(nodes.filter((node) => !node.description).map((node) => node.id)).toEqual([])
  })

  test('has a sentence for every event, and none for events it does not know', () => {
    const known = new Set(machine.events.map(plainEvent).filter((event) => event !== null))
    expect(Object.keys(sentences[name] ?? {}).sort()).toEqual([...known].sort())
  })
})

test('the guide tells the exit codes of the code', () => {
  const guide = readFileSync(join(root, 'docs/guide/processes.md'), 'utf8')
  const told = [...guide.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map((match) => [Number(match[1]), match[2]])
  expect(told).toEqual(expect.arrayContaining(Object.values(exitCodes).map(({ code, meaning }) => [code, meaning])))
})

describe('generated pages are fresh (npm run docs)', () => {
  test.each(Object.entries(pages()))('docs/reference/%s', (path, text) => {
    expect(readFileSync(join(root, 'docs/reference', path), 'utf8')).toBe(text)
  })
})

const written = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => join('docs', path)),
].filter((path) => path.endsWith('.md'))

describe.each(written)('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8')

  test('has no dead link', () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '').filter((link) => !/^[a-z]+:/.test(link))
    const dead = links.filter((link) => {
      try {
        readdirSync(join(root, dirname(path), link))
        return false
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'ENOTDIR'
      }
    })
    expect(dead).toEqual([])
  })

  test('names only options that exist', () => {
    const commands = [...text.matchAll(/^.*\bmonoceros (?!(?:completion|statechart|replay|ctl)\b)[^\n]*$/gm)].map((match) => match[0])
    const given = commands.flatMap((command) =>
      [...command.slice(command.indexOf('monoceros ')).matchAll(/\s(--[a-z][a-z-]+)/g)].map((match) => match[1] ?? ''),
    )
    // A typo may be shown, with its answer.
    const isTypo = (option: string) => text.includes(`unknown option ${option} (did you mean`)
    expect(
      given.filter((option) => !flags.has(option) && !isTypo(option) && !['--help', '--version', '--forest'].includes(option)),
    ).toEqual([])
  })
})
