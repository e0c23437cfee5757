/** monocerosctl as people and scripts use it: one command, a prompt on a terminal, lines from a pipe, a screen that is drawn again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ctl, ctlPath, socketPathOf, spawnCtl } from '../support/control.ts'
import { cliPath, type Running, startShared, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { saying } from '../support/programs.ts'

let shared: ReturnType<typeof startShared>
let server: Running
let path = ''
beforeAll(async () => {
  shared = startShared({ args: ['app.mjs', '-w', '2', '-b', '127.0.0.1:0'], files: { 'app.mjs': saying('here') } })
  server = shared.running
  path = socketPathOf(server)
  await server.ready()
})
afterAll(() => shared.close())

/** What a process has written so far. */
function textOf(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk
  })
  return () => text
}

const until = (text: () => string, part: string | RegExp) =>
  poll(
    () => (typeof part === 'string' ? text().includes(part) : part.test(text())),
    () => `no ${part} in ${JSON.stringify(text())}`,
  )

describe('one command', () => {
  test('is given as words or with -c, and answered as a table for people or as JSON for programs', async () => {
    const [words, text, json] = await Promise.all([
      ctl(['-s', path, 'show', 'workers']),
      ctl(['-s', path, '-c', 'show workers']),
      ctl(['-s', path, 'show', 'workers', '-j']),
    ])
    for (const run of [words, text, json]) expect([run.code, run.stderr]).toEqual([0, ''])
    const lines = words.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^ *PID +SLOT +AGE +GEN +STATE/)
    for (const pid of server.workers().values()) expect(text.stdout).toContain(String(pid))
    expect(JSON.parse(json.stdout)).toMatchObject({ count: 2, workers: [{ slot: 0 }, { slot: 1 }] })
    expect(words.stdout).not.toContain('\x1b')
  })

  test('is the same as monoceros ctl', async () => {
    const child = spawn(process.execPath, [cliPath, 'ctl', '-s', path, '-j', 'show', 'stats'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const text = textOf(child)
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    expect(JSON.parse(text())).toMatchObject({ pid: server.pid })
  })

  test.each([
    ['that does not exist', ['-c', 'shwo workers'], 2, 'did you mean show workers?'],
    ['with a wrong argument', ['worker', 'kill', 'x'], 2, 'the form is: worker kill PID'],
    ['of nothing', ['-c', ''], 2, 'Empty command'],
    ['that cannot be done', ['worker', 'kill', '1'], 1, 'no worker with pid 1'],
    ['under an option that is none', ['--jsn'], 2, 'unknown option --jsn'],
    ['to watch what changes something', ['watch', 'reload'], 2, 'watch [SECONDS] show ...'],
  ])('%s fails with its exit code, what is wrong, and what to do', async (_, args, code, part) => {
    const run = await ctl(['-s', path, ...args])
    expect([run.code, run.stdout]).toEqual([code, ''])
    expect(run.stderr).toContain(part)
    expect(run.stderr.trimEnd().split('\n').length).toBeGreaterThanOrEqual(2)
  })

  test('where no server is fails and says how to find one', async () => {
    const run = await ctl(['-s', '/nowhere/at.ctl', 'show', 'all'])
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/\/nowhere\/at\.ctl[\s\S]*-s/)
  })

  test('that waits for a reload has its outcome as exit code', async () => {
    const done = await ctl(['-s', path, 'reload', '--wait'])
    expect([done.code, done.stderr]).toEqual([0, ''])
    writeFileSync(join(server.folder, 'app.mjs'), 'throw new Error("no database")\n')
    const failed = await ctl(['-s', path, 'reload', '--wait'])
    writeFileSync(join(server.folder, 'app.mjs'), saying('here'))
    expect([failed.code, failed.stdout]).toEqual([1, ''])
    expect(failed.stderr).toContain('no database')
  })

  test('each view tells something, and what comes from outside steers no terminal', async () => {
    for (const command of ['all', 'dirty', 'config', 'stats', 'listeners', 'machines', 'events', 'requests', 'threads', 'queues']) {
      const run = await ctl(['-s', path, 'show', command])
      expect([command, run.code, run.stderr]).toEqual([command, 0, ''])
      expect(run.stdout.trim(), command).not.toBe('')
    }
    expect((await ctl(['-s', path, 'stacks', 'all'])).stdout).toContain(`arbiter ${server.pid}`)
    expect((await ctl(['--help'])).stdout).toContain('show machines')
    expect((await ctl(['-v'])).stdout).toMatch(/^monocerosctl \(monoceros \d+\.\d+\.\d+\)\n$/)
  })
})

test('lines from a pipe are commands, and the last failure is the exit code', async () => {
  const good = await ctl(['-s', path, '-j'], 'show listeners\n\nshow stats\n')
  expect([good.code, good.stderr]).toEqual([0, ''])
  expect(good.stdout).toContain('workers_target')
  const bad = await ctl(['-s', path], 'worker kill 1\nshow listeners\nquit\nshow stats\n')
  expect(bad.code).toBe(1)
  expect(bad.stdout).toContain('127.0.0.1')
  expect(bad.stdout).not.toContain('workers_target')
})

test('events are followed until it is interrupted', async () => {
  const child = spawnCtl(['-s', path, '-j', 'show', 'events', '--actor', 'arbiter', '--follow'])
  const text = textOf(child)
  await until(text, '"actor"')
  await ctl(['-s', path, 'worker', 'add'])
  await until(text, '"event":"scale"')
  await ctl(['-s', path, 'worker', 'remove'])
  await until(text, /"event":"scale"[\s\S]*"event":"scale"/)
  for (const line of text().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('id')
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test('what is watched is told again and again until it is interrupted', async () => {
  const child = spawnCtl(['-s', path, '-j', 'watch', '0.1', 'show', 'stats'])
  const text = textOf(child)
  await poll(() => text().split('\n').length > 3)
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([0, null])
})

describe('the prompt', () => {
  /** On a terminal of its own. */
  function prompt(home: string) {
    const command = `'${process.execPath}' '${ctlPath}' -s '${path}'`
    const env = { ...process.env, HOME: home, TERM: 'xterm', NO_COLOR: '' }
    const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    const text = textOf(child)
    let seen = 0
    return {
      child,
      type: (keys: string) => void child.stdin.write(keys),
      /** In what has come since the last time. */
      async until(part: string | RegExp) {
        await until(() => text().slice(seen), part)
        const since = text().slice(seen)
        seen = text().length
        return since
      },
    }
  }
  const homeOf = () => {
    const home = testFolder()
    onTestFinished(() => rmSync(home, { recursive: true }))
    return home
  }

  test('completes commands and pids, colours states, keeps its history for its owner, and is left with quit', async () => {
    const home = homeOf()
    const first = prompt(home)
    await first.until('monoceros> ')
    first.type('show wor\t')
    await first.until('show workers ')
    first.type('\n')
    expect(await first.until(/\d+\n?[\s\S]*monoceros> /)).toContain('\x1b[32m')
    first.type('stacks al\t')
    await first.until('all ')
    first.type('\x15')
    const pid = String(server.workers().get(0))
    first.type(`profile ${pid.slice(0, -1)}\t`)
    await first.until(pid)
    first.type('\x15')
    first.type('worker kill 1\n')
    await first.until(/no worker with pid 1[\s\S]*monoceros> /)
    first.type('quit\n')
    expect(await once(first.child, 'exit')).toEqual([0, null])
    const history = join(home, '.monocerosctl_history')
    expect(statSync(history).mode & 0o777).toBe(0o600)
    expect(readFileSync(history, 'utf8').split('\n')).toEqual(expect.arrayContaining(['worker kill 1', 'show workers ']))

    const second = prompt(home)
    await second.until('monoceros> ')
    second.type('\x1b[A\x1b[A')
    await second.until('worker kill 1')
    second.type('\x15\x04')
    expect(await once(second.child, 'exit')).toEqual([0, null])
  })

  test('ends a watch with Ctrl-C and goes on', async () => {
    const session = prompt(homeOf())
    await session.until('monoceros> ')
    session.type('watch 0.1 show stats\n')
    await session.until(/workers_target[\s\S]*workers_target/)
    session.type('\x03')
    await session.until('monoceros> ')
    session.type('show listeners\n')
    await session.until('127.0.0.1')
    session.type('\x03')
    expect(await once(session.child, 'exit')).toEqual([0, null])
  })
})
