import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileChildren, linesIn, linesOf, messageFrom, openPipe, ownFolder, readAll, startChild } from './support.ts'

compileChildren()

interface Flood {
  readonly lines: number
  readonly dropped: number
  readonly flushMs: number
  readonly medianLagMs: number
}

const floodBytes = 20_000_000

// A terminal that was stopped with Ctrl-S, a log shipper that hangs, a disk that is full: whatever stderr is, the process
// must go on serving, and must end when told to. A blocking descriptor would hold a pool thread, and process.exit() with it.
describe('a stderr that takes nothing', () => {
  const destinations: Record<string, (folder: string) => 'pipe' | number> = {
    'a pipe nobody reads': (folder) => openPipe(folder).writeFd,
    'a socket nobody reads': () => 'pipe',
    'a full disk': () => fs.openSync('/dev/full', 'w'),
    'a pipe whose reader is gone': (folder) => {
      const { readFd, writeFd } = openPipe(folder)
      fs.closeSync(readFd)
      return writeFd
    },
  }

  for (const [name, open] of Object.entries(destinations)) {
    it(`neither stops the loop nor the exit: ${name}`, async () => {
      const child = startChild('flood', ['json', floodBytes], open(ownFolder()))
      const exit = once(child, 'exit')
      const flood = await messageFrom<Flood>(child, 'done')
      const doneMs = performance.now()
      expect(await exit).toEqual([0, null])
      expect(performance.now() - doneMs).toBeLessThan(2_000)
      expect(flood.flushMs).toBeLessThan(1_500)
      expect(flood.medianLagMs).toBeLessThan(50)
      expect(flood.dropped).toBeGreaterThan(flood.lines / 2)
    })
  }

  it('says how many lines were dropped once there is a reader, and loses none that it took', async () => {
    const pipe = openPipe(ownFolder())
    const child = startChild('flood', ['json', 8_000_000, 'patient'], pipe.writeFd)
    fs.closeSync(pipe.writeFd)
    await messageFrom(child, 'flooded')
    const text = readAll(pipe.path)
    child.send('go on')
    const flood = await messageFrom<Flood>(child, 'done')
    const records = linesOf(await text).map((line) => JSON.parse(line))
    const reports = records.filter((record) => record.event === 'log.dropped')
    expect(reports).toMatchObject([{ level: 'warning', count: flood.dropped, destination: '-' }])
    expect(records.length - 1).toBe(flood.lines - flood.dropped)
    expect(records.slice(0, 100).map((record) => record.line)).toEqual(Array.from({ length: 100 }, (_, line) => line))
  })
})

describe('a stderr that is shared', () => {
  it('keeps what the app prints, when it is a file opened without append', async () => {
    const file = path.join(ownFolder(), 'stderr')
    const child = startChild('plain-writer', [], fs.openSync(file, 'w'))
    expect(await once(child, 'exit')).toEqual([0, null])
    const lines = linesIn(file)
    const isPlain = (line: string): boolean => line.startsWith('plain ')
    expect(lines.filter(isPlain)).toEqual(Array.from({ length: 200 }, (_, i) => `plain ${i}`))
    const logged = lines.filter((line) => !isPlain(line)).map((line) => JSON.parse(line).how)
    expect(logged).toEqual(Array.from({ length: 200 }, (_, i) => `logged ${i}`))
  })

  it('has whole lines only, when it is a pipe of four processes', async () => {
    const pipe = openPipe(ownFolder())
    const children = Array.from({ length: 4 }, () => startChild('appender', ['-', 1_500], pipe.writeFd))
    fs.closeSync(pipe.writeFd)
    const done = Promise.all(children.map((child) => messageFrom<{ dropped: number }>(child, 'done')))
    const records = linesOf(await readAll(pipe.path)).map((line) => JSON.parse(line))
    expect((await done).map(({ dropped }) => dropped)).toEqual([0, 0, 0, 0])
    for (const { pid } of children) {
      const lines = records.filter((record) => record.pid === pid).map((record) => record.line)
      expect(lines).toEqual(Array.from({ length: 1_500 }, (_, line) => line))
    }
  })
})
