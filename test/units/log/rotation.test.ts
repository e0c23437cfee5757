import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { compileChildren, linesIn, messageFrom, ownFolder, startChild } from './support.ts'

compileChildren()

// logrotate renames the file and sends USR1; meanwhile every process goes on writing.
it('puts every line of four processes, whole, into exactly one of the rotated files', async () => {
  const folder = ownFolder()
  const file = path.join(folder, 'error.log')
  const children = Array.from({ length: 4 }, () => startChild('appender', [file, 1_000_000], 'inherit'))
  const exits = Promise.all(children.map((child) => once(child, 'exit')))
  for (let turn = 0; turn < 4; turn++) {
    const reopened = Promise.all(children.map((child) => messageFrom(child, 'reopened')))
    if (turn > 0) fs.renameSync(file, `${file}.${turn}`)
    for (const child of children) child.send('reopen')
    await reopened
  }
  const done = Promise.all(children.map((child) => messageFrom<{ lines: number; dropped: number }>(child, 'done')))
  for (const child of children) child.send('stop')
  const totals = await done
  expect(totals.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 0])
  expect(await exits).toEqual(children.map(() => [0, null]))

  const files = fs.readdirSync(folder)
  expect(files.sort()).toEqual(['error.log', 'error.log.1', 'error.log.2', 'error.log.3'])
  const records = files.flatMap((name) => linesIn(path.join(folder, name))).map((line) => JSON.parse(line))
  expect(records).toHaveLength(totals.reduce((sum, { lines }) => sum + lines, 0))
  expect(new Set(records.map(({ pid, line }) => `${pid} ${line}`)).size).toBe(records.length)
})
