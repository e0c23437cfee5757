import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type OnProblem, Sink, type SinkOptions } from '../../../src/log/sink.ts'
import { linesIn, openPipe, ownFolder, readAll, readNow } from './support.ts'

type Problem = Parameters<OnProblem>

function open(destination: string, options: Partial<SinkOptions> = {}): { sink: Sink; problems: Problem[] } {
  const problems: Problem[] = []
  const sink = new Sink({ destination, usual: 2, onProblem: (...problem) => problems.push(problem), ...options })
  return { sink, problems }
}

describe('reopen', () => {
  it('leaves earlier lines in the renamed file and puts later ones into the new file', async () => {
    const file = path.join(ownFolder(), 'log')
    const { sink } = open(file)
    sink.write('one\n')
    await sink.flush()
    fs.renameSync(file, `${file}.1`)
    sink.reopen()
    sink.write('two\n')
    await sink.flush()
    expect([linesIn(`${file}.1`), linesIn(file)]).toEqual([['one'], ['two']])
  })

  it('keeps the old file when the folder has vanished, says so, and takes the new one when it is back', async () => {
    const folder = path.join(ownFolder(), 'logs')
    const file = path.join(folder, 'log')
    fs.mkdirSync(folder)
    const { sink, problems } = open(file)
    fs.renameSync(folder, `${folder}.away`)
    sink.reopen()
    sink.write('one\n')
    await sink.flush()
    expect(linesIn(path.join(`${folder}.away`, 'log'))).toEqual(['one'])
    expect(problems).toEqual([['log.failed', { destination: file, problem: expect.stringContaining('ENOENT') }]])
    fs.mkdirSync(folder)
    sink.reopen()
    sink.write('two\n')
    await sink.flush()
    expect(linesIn(file)).toEqual(['two'])
  })

  it.each([99, 9_999])('leaves no half of a line to the new file, when the old one took no more (lines of %i bytes)', async (length) => {
    const pipe = openPipe(ownFolder())
    const { sink } = open(pipe.path)
    const lines = Array.from({ length: Math.ceil(200_000 / length) }, (_, i) => String(i).padStart(length, '.'))
    for (const line of lines) sink.write(`${line}\n`)
    await sink.flush(50)
    fs.renameSync(pipe.path, `${pipe.path}.1`)
    sink.reopen()
    await sink.flush()
    const inPipe = readNow(pipe.readFd).split('\n')
    const half = inPipe.pop()
    const inFile = linesIn(pipe.path)
    expect(inPipe).toEqual(lines.slice(0, inPipe.length))
    expect(inFile).toEqual(lines.slice(lines.length - inFile.length))
    expect(inPipe.length + inFile.length + (half === '' ? 0 : 1)).toBe(lines.length)
    expect([half === '', sink.dropped]).toEqual(length < 4_096 ? [true, 0] : [false, 1])
  })

  it('leaks no descriptor', async () => {
    const file = path.join(ownFolder(), 'log')
    const { sink } = open(file)
    const isOurs = (fd: string): boolean => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(file)
      } catch {
        return false // the descriptor of the listing itself
      }
    }
    for (let turn = 0; turn < 20; turn++) {
      sink.reopen()
      sink.write('line\n')
      await sink.flush()
    }
    await vi.waitFor(() => expect(fs.readdirSync('/proc/self/fd').filter(isOurs)).toHaveLength(1))
  })
})

describe('a destination that fails', () => {
  it('is a problem told once, and costs only what the queue cannot hold', async () => {
    const { sink, problems } = open('/dev/full', { queueMaxBytes: 1_000 })
    for (let turn = 0; turn < 30; turn++) {
      sink.write(`${'x'.repeat(99)}\n`)
      await sink.flush()
    }
    sink.flushSync()
    expect(sink.dropped).toBe(20)
    expect(problems).toEqual([['log.failed', { destination: '/dev/full', problem: expect.stringContaining('ENOSPC') }]])
  })

  it('does not hold a flush back: there is nothing to wait for', async () => {
    const { sink } = open('/dev/full')
    sink.write('line\n')
    const beforeMs = performance.now()
    await sink.flush(10_000)
    expect(performance.now() - beforeMs).toBeLessThan(5_000)
  })

  it('is opened as soon as its folder is there', async () => {
    const folder = path.join(ownFolder(), 'logs')
    const { sink, problems } = open(path.join(folder, 'log'))
    sink.write('one\n')
    await sink.flush()
    expect(problems).toHaveLength(1)
    fs.mkdirSync(folder)
    sink.write('two\n')
    await sink.flush()
    expect(linesIn(path.join(folder, 'log'))).toEqual(['one', 'two'])
  })

  it('gets its lines when it is a FIFO that finds its reader late, with a report of those dropped', async () => {
    const fifo = path.join(ownFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const { sink, problems } = open(fifo, { queueMaxBytes: 10 })
    for (const line of ['one\n', 'two\n', 'three\n']) sink.write(line)
    await sink.flush()
    expect(problems).toEqual([['log.failed', { destination: fifo, problem: expect.stringContaining('ENXIO') }]])
    const text = readAll(fifo)
    // Nobody asks for it: the sink tries again by itself.
    await vi.waitFor(() => expect(problems.at(-1)).toEqual(['log.dropped', { destination: fifo, count: 1 }]), 5_000)
    fs.renameSync(fifo, `${fifo}.1`)
    sink.reopen() // closes the FIFO, so that its reader sees the end
    expect(await text).toBe('one\ntwo\n')
  })

  it('does not hear of a problem from a listener that throws', async () => {
    const onProblem = vi.fn(() => {
      throw new Error('listener')
    })
    const { sink } = open('/dev/full', { onProblem })
    sink.write('line\n')
    await sink.flush()
    expect(onProblem).toHaveBeenCalled()
  })
})

describe('gathering', () => {
  it('writes nothing until there is enough, then all of it', async () => {
    const file = path.join(ownFolder(), 'log')
    const { sink } = open(file, { gatherBytes: 10, gatherMs: 60_000 })
    sink.write('one\n')
    sink.write('two\n')
    expect(fs.readFileSync(file, 'utf8')).toBe('')
    sink.write('three\n')
    await vi.waitFor(() => expect(linesIn(file)).toEqual(['one', 'two', 'three']))
  })

  it('writes a single line when its time is over', async () => {
    const file = path.join(ownFolder(), 'log')
    const { sink } = open(file, { gatherBytes: 8_192, gatherMs: 5 })
    sink.write('one\n')
    await vi.waitFor(() => expect(linesIn(file)).toEqual(['one']))
  })

  it('is cut short by flushSync', () => {
    const file = path.join(ownFolder(), 'log')
    const { sink } = open(file, { gatherBytes: 8_192, gatherMs: 60_000 })
    sink.write('one\n')
    sink.flushSync()
    expect(linesIn(file)).toEqual(['one'])
  })
})
