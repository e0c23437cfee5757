import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRecorderFile } from '../../../src/flight-recorder/recorder-file.ts'
import { rotate } from '../../../src/flight-recorder/rotate.ts'
import { poll } from '../../support/poll.ts'

function open(name = 'fr.log') {
  const folder = mkdtempSync(join(tmpdir(), 'recorder-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = name.startsWith('/') ? name : join(folder, name)
  const problems: [string, Readonly<Record<string, unknown>>][] = []
  const sizes: number[] = []
  const file = createRecorderFile({ path, onProblem: (...problem) => problems.push(problem), onSize: (bytes) => sizes.push(bytes) })
  const lines = (of = path) => (existsSync(of) ? readFileSync(of, 'utf8').split('\n').filter(Boolean) : [])
  return { folder, path, file, problems, sizes, lines }
}

test('a line is in the file before the next line of code runs', () => {
  const { file, lines } = open()
  file.write('one')
  expect(lines()).toEqual(['one'])
})

test('all lines of a burst are written, however many', async () => {
  const { file, lines } = open()
  const burst = Array.from({ length: 1_000 }, (_, index) => `line ${index}`)
  for (const line of burst) file.write(line)
  await file.flush()
  expect(lines().sort()).toEqual(burst.sort())
})

test('a file is continued, not begun again', async () => {
  const { path, lines, file } = open()
  appendFileSync(path, 'before\n')
  file.write('after')
  await file.flush()
  expect(lines()).toEqual(['before', 'after'])
})

test('a full disk is told once, costs lines and nothing else', async () => {
  const { file, problems } = open('/dev/full')
  for (let count = 0; count < 50; count++) file.write('x')
  await file.flush()
  expect(problems).toEqual([['log.failed', { destination: '/dev/full', problem: expect.stringContaining('ENOSPC') }]])
  expect(file.dropped).toBe(50)
})

test('a path that comes to be writable is written to, and what was lost is told', async () => {
  const { file, path, folder, problems, lines } = open('late/fr.log')
  file.write('lost')
  await file.flush()
  expect(problems).toEqual([['log.failed', { destination: path, problem: expect.stringContaining('ENOENT') }]])
  mkdirSync(join(folder, 'late'))
  file.write('kept')
  await file.flush()
  expect(lines()).toEqual(['kept'])
  expect(problems.at(-1)).toEqual(['log.dropped', { count: 1, destination: path }])
})

test('after a reopen lines go to the file that is at the path then', async () => {
  const { file, path, lines } = open()
  file.write('old')
  await file.flush()
  renameSync(path, `${path}.moved`)
  file.reopen()
  file.write('new')
  await file.flush()
  await poll(
    () => lines().includes('new') || lines(`${path}.moved`).includes('new'),
    () => 'not written',
  )
  file.write('newer')
  await file.flush()
  expect(lines(`${path}.moved`)[0]).toBe('old')
  expect([...lines(`${path}.moved`), ...lines()]).toEqual(['old', 'new', 'newer'])
  expect(lines()).toContain('newer')
})

test('a rotation of which nobody told is seen, and no line is lost by it', async () => {
  const { file, path, lines } = open()
  file.write('one')
  await file.flush()
  renameSync(path, `${path}.1`)
  writeFileSync(path, '')
  file.write('two')
  await poll(
    () => {
      file.write('more')
      return lines().length > 0
    },
    () => 'the new file stays empty',
  )
  await file.flush()
  expect([...lines(`${path}.1`), ...lines()].slice(0, 2)).toEqual(['one', 'two'])
})

test('lines in a file that was deleted are written once more', async () => {
  const { file, path, lines } = open()
  file.write('one')
  await file.flush()
  rmSync(path)
  file.write('two')
  await poll(
    () => lines().includes('two'),
    () => 'it is lost',
  )
})

test('the size is told after writes', async () => {
  const { file, path, sizes } = open()
  appendFileSync(path, 'x'.repeat(10_000))
  file.write('x')
  await poll(
    () => sizes.length > 0,
    () => 'no size',
  )
  expect(sizes[0]).toBe(10_002)
})

test('the size is told when others have written too', async () => {
  const { file, path, sizes } = open()
  appendFileSync(path, 'x'.repeat(10_000))
  file.look()
  await poll(
    () => sizes.length > 0,
    () => 'no size',
  )
  expect(sizes).toEqual([10_000])
})

test('a rotation keeps what was written and leaves an empty file of the same mode', async () => {
  const { path, folder, lines } = open()
  writeFileSync(path, 'a line of some length\n', { mode: 0o640 })
  const before = statSync(path).mode
  writeFileSync(`${path}.1`, 'of the rotation before\n')
  expect(await rotate(path, 10)).toBe(true)
  expect(lines(`${path}.1`)).toEqual(['a line of some length'])
  expect(statSync(path).size).toBe(0)
  expect(statSync(path).mode).toBe(before)
  expect(readdirSync(folder).sort()).toEqual(['fr.log', 'fr.log.1'])
})

test('of two that rotate at once, one does', async () => {
  const { path, lines, folder } = open()
  writeFileSync(path, 'a line of some length\n')
  expect(await rotate(path, 10)).toBe(true)
  expect(await rotate(path, 10)).toBe(false)
  expect(lines(`${path}.1`)).toEqual(['a line of some length'])
  expect(readdirSync(folder).sort()).toEqual(['fr.log', 'fr.log.1'])
})
