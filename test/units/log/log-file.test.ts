import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { chownLogs, openable } from '../../../src/log/log-file.ts'
import { ownFolder } from './support.ts'

const isRoot = process.getuid?.() === 0

describe('openable', () => {
  it('has nothing against standard streams, files, and files to be', () => {
    const folder = ownFolder()
    fs.writeFileSync(path.join(folder, 'there'), '')
    const destinations = ['-', '/dev/stderr', '/dev/null', path.join(folder, 'there'), path.join(folder, 'new')]
    expect(destinations.map(openable)).toEqual([null, null, null, null, null])
    expect(fs.readdirSync(folder)).toEqual(['there'])
  })

  it('names the folder that is missing', () => {
    const folder = path.join(ownFolder(), 'no')
    expect(openable(path.join(folder, 'log'))).toBe(`there is no folder ${folder}`)
  })

  it('refuses a folder, and a path through a file', () => {
    const folder = ownFolder()
    fs.writeFileSync(path.join(folder, 'file'), '')
    expect(openable(folder)).toBe('it is a folder')
    expect(openable(path.join(folder, 'file/log'))).toContain('ENOTDIR')
  })

  it.skipIf(isRoot)('refuses what may not be written', () => {
    const folder = ownFolder()
    fs.writeFileSync(path.join(folder, 'file'), '', { mode: 0o444 })
    expect(openable(path.join(folder, 'file'))).toContain('EACCES')
  })
})

describe('chownLogs', () => {
  it.skipIf(!isRoot)('gives away regular files, creating them, and nothing else', () => {
    const folder = ownFolder()
    const [file, fifo] = [path.join(folder, 'log'), path.join(folder, 'fifo')]
    execFileSync('mkfifo', [fifo])
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    chownLogs([file, fifo, '-', '/dev/null'], 12_345, 23_456)
    fs.closeSync(reader)
    expect(fs.statSync(file)).toMatchObject({ uid: 12_345, gid: 23_456 })
    expect([fs.statSync(fifo).uid, fs.statSync('/dev/null').uid]).toEqual([0, 0])
  })

  // Whoever may write to the folder of the logs could name any file of root's, and have it at the next rotation.
  it.skipIf(!isRoot)('gives away nothing that a link leads to', () => {
    const folder = ownFolder()
    const [secret, link, name] = [path.join(folder, 'secret'), path.join(folder, 'link'), path.join(folder, 'name')]
    fs.writeFileSync(secret, '')
    fs.symlinkSync(secret, link)
    fs.linkSync(secret, name)
    chownLogs([link, name], 12_345, 23_456)
    expect(fs.statSync(secret)).toMatchObject({ uid: 0, gid: 0 })
  })

  it('names the path it cannot open', () => {
    const file = path.join(ownFolder(), 'no/log')
    expect(() => chownLogs([file], process.getuid!(), process.getgid!())).toThrow(`cannot write log ${file}`)
  })
})
