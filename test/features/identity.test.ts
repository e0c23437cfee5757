/** Who the processes are: user and groups, titles, folder, environment and mask. */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { distPath, type Running, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'
import { holding } from '../support/programs.ts'

const app = `
const { existsSync, writeFileSync } = require('node:fs')
module.exports = (req, res) => {
  if (req.url === '/umask') return res.end(process.umask().toString(8))
  if (req.url === '/cwd') return res.end(process.cwd())
  if (req.url === '/fail') throw new Error('as asked')
  res.end(process.env[req.url.slice(1)] ?? 'unset')
}
`
const args = ['./app.cjs', '-b', '127.0.0.1:0']
const isRoot = process.getuid?.() === 0
const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.slice(1, 3).map(Number) ?? []
const hasNogroup = /^nogroup:/m.test(readFileSync('/etc/group', 'utf8'))
const [uid = -1, gid = -1] = nobody

/** Workers read the product's files after they have become somebody else. */
const isReadableByAll = [...upwards(distPath), ...upwards(process.execPath)].every((folder) => (statSync(folder).mode & 0o005) === 0o005)

describe.skipIf(!isRoot || !hasNogroup || !isReadableByAll)('as root', () => {
  const asNobody = ['--user', 'nobody', '--group', 'nogroup']

  test('sidecars run as the workers do', async () => {
    const sidecars = JSON.stringify([{ name: 'other', command: 'sleep', args: ['1000'] }])
    const server = withGroups([4, 24], () =>
      start({ args: [...args, ...asNobody], cwd: openFolder(), env: { MONOCEROS_SIDECARS: sidecars } }),
    )
    await server.ready()
    const { childPid } = await server.until('sidecar.booting')
    expect(identityOf(childPid as number)).toEqual({ uids: Array(4).fill(uid), gids: Array(4).fill(gid), groups: [] })
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.all('sidecar.gone', { signal: 'SIGTERM' })).toHaveLength(1)
  })

  test('workers run as the user and group asked for, without supplementary groups; the arbiter stays what it was', async () => {
    const server = withGroups([4, 24], () => start({ args: [...args, '-w', '2', ...asNobody], cwd: openFolder() }))
    await server.ready()
    expect(server.workers().size).toBe(2)
    for (const pid of server.workers().values())
      expect(identityOf(pid)).toEqual({ uids: Array(4).fill(uid), gids: Array(4).fill(gid), groups: [] })
    expect(identityOf(server.pid)).toEqual({ uids: [0, 0, 0, 0], gids: [0, 0, 0, 0], groups: [4, 24] })
    expect((await ask({ port: server.port() })).status).toBe(200)
  })

  test('a worker that replaces another runs as the same user', async () => {
    const server = start({ args: [...args, ...asNobody], cwd: openFolder() })
    await server.ready()
    process.kill(server.workers().get(0) as number, 'SIGKILL')
    const [, second] = await server.untilCount('worker.ready', 2)
    expect(identityOf(second?.childPid as number)).toMatchObject({ uids: Array(4).fill(uid), groups: [] })
  })

  test('numbers do as well as names, and a user without a group brings its own', async () => {
    const server = start({ args: [...args, '--user', String(uid)], cwd: openFolder() })
    await server.ready()
    expect(identityOf(server.workers().get(0) as number)).toEqual({ uids: Array(4).fill(uid), gids: Array(4).fill(gid), groups: [] })
  })

  test('a group without a user changes only the group', async () => {
    const server = withGroups([4], () => start({ args: [...args, '--group', 'nogroup'], cwd: openFolder() }))
    await server.ready()
    expect(identityOf(server.workers().get(0) as number)).toEqual({ uids: [0, 0, 0, 0], gids: Array(4).fill(gid), groups: [] })
  })

  test('with initgroups a worker has the groups of its user, and still none of its launcher', async () => {
    const server = withGroups([4, 24], () => start({ args: [...args, ...asNobody, '--initgroups'], cwd: openFolder() }))
    await server.ready()
    expect(identityOf(server.workers().get(0) as number).groups).toEqual([...groupsOf('nobody'), gid].sort())
  })

  test('a unix socket belongs to the user of the workers', async () => {
    const cwd = openFolder()
    const server = start({ args: ['./app.cjs', '-b', 'unix:server.sock', '--umask', '0077', ...asNobody], cwd })
    await server.ready()
    const socket = statSync(join(cwd, 'server.sock'))
    expect({ uid: socket.uid, gid: socket.gid, mode: socket.mode & 0o777 }).toEqual({ uid, gid, mode: 0o700 })
  })

  test('logs in a folder that is root’s own go on after a rotation', async () => {
    const cwd = openFolder()
    mkdirSync(join(cwd, 'log'), { mode: 0o755 })
    const path = (name: string) => join(cwd, 'log', name)
    const logs = ['--error-logfile', 'log/error.log', '--access-logfile', 'log/access.log', '--access-logformat', '%(U)s']
    const server = start({ args: ['./app.cjs', '-b', 'unix:server.sock', ...logs, ...asNobody], cwd })
    const get = (url: string) => ask({ socketPath: join(cwd, 'server.sock'), path: url })
    await poll(() =>
      get('/fail').then(
        () => true,
        () => false,
      ),
    )
    for (const name of ['error', 'access']) renameSync(path(`${name}.log`), path(`${name}.1.log`))
    server.signal('SIGUSR1')
    await poll(async () => {
      await get('/fail')
      return textOf(path('error.log')).includes('request.failed') && textOf(path('access.log')).includes('/fail')
    })
    for (const name of ['error.log', 'access.log']) expect(statSync(path(name))).toMatchObject({ uid, gid })
  })

  test('a user or a group that does not exist is refused at the start', async () => {
    const user = start({ args: [...args, '--user', 'no-such-user'], cwd: openFolder() })
    const group = start({ args: [...args, '--group', 'no-such-group'], cwd: openFolder() })
    expect(await user.exited).toEqual({ code: 1, signal: null })
    expect(await group.exited).toEqual({ code: 1, signal: null })
    expect([...user.all('worker.booting'), ...group.all('worker.booting')]).toEqual([])
  })

  test('somebody who is not root cannot become somebody else, but may name himself', async () => {
    const [refused, same] = asUser(() => [
      start({ args: [...args, '--user', 'root'], cwd: openFolder() }),
      start({ args: [...args, ...asNobody], cwd: openFolder() }),
    ])
    expect(await refused.until('worker.cannot-boot')).toMatchObject({ code: 'MON_USER_FORBIDDEN' })
    expect(await refused.exited).toEqual({ code: 1, signal: null })
    await same.ready()
    expect((await ask({ port: same.port() })).status).toBe(200)
  })
})

describe('process titles', () => {
  test('name the arbiter and each worker by its slot', async () => {
    const server = start({ args: [...args, '-w', '2', '--name', 'shop'], files: { 'app.cjs': app } })
    await server.ready()
    expect(titleOf(server.pid)).toBe('monoceros: arbiter [shop]')
    for (const [slot, pid] of server.workers()) expect(titleOf(pid)).toBe(`monoceros: worker [shop] slot ${slot}`)
  })

  test('tell that a worker boots or drains', async () => {
    const server = start({ args: ['./app.mjs', '-b', '127.0.0.1:0', '--name', 'shop'], files: { 'app.mjs': `${waiting}${holding}` } })
    const pid = (await server.until('worker.booting')).childPid as number
    await poll(() => titleOf(pid) === 'monoceros: worker [shop] slot 0 (booting)')
    touch(server, 'import')
    await server.ready()
    expect(titleOf(pid)).toBe('monoceros: worker [shop] slot 0')
    const held = await begin({ port: server.port(), path: '/hold/go' })
    server.signal('SIGTERM')
    await poll(() => titleOf(pid) === 'monoceros: worker [shop] slot 0 (draining)')
    touch(server, 'go')
    expect((await held.whole).body).toBe('held')
  })

  test('have the app’s name where none is given', async () => {
    const server = start({ args: ['./shop/app.cjs', '-b', '127.0.0.1:0'], files: { 'shop/app.cjs': app } })
    await server.ready()
    expect(titleOf(server.pid)).toBe('monoceros: arbiter [shop]')
    expect(titleOf(server.workers().get(0) as number)).toBe('monoceros: worker [shop] slot 0')
  })
})

test('chdir is where the app is found and runs', async () => {
  const server = start({ args: ['--chdir', 'inner', ...args], files: { 'inner/app.cjs': app } })
  await server.ready()
  expect((await ask({ port: server.port(), path: '/cwd' })).body).toBe(join(server.folder, 'inner'))
})

test('variables given with -e reach the workers, over those of the environment', async () => {
  const env = ['-e', 'GIVEN=a=b c', '-e', 'INHERITED=mine']
  const server = start({ args: [...args, ...env], files: { 'app.cjs': app }, env: { INHERITED: 'theirs', KEPT: 'yes' } })
  await server.ready()
  const values = await Promise.all(['/GIVEN', '/INHERITED', '/KEPT', '/NEITHER'].map((path) => ask({ port: server.port(), path })))
  expect(values.map(({ body }) => body)).toEqual(['a=b c', 'mine', 'yes', 'unset'])
})

test.each([
  ['0', 0o777],
  ['0027', 0o750],
])('umask %s decides the mode of a unix socket, and leaves the app’s own mask alone', async (umask, mode) => {
  const server = start({ args: ['./app.cjs', '-b', 'unix:server.sock', '--umask', umask], files: { 'app.cjs': app } })
  await server.ready()
  const socketPath = join(server.folder, 'server.sock')
  expect(statSync(socketPath).mode & 0o777).toBe(mode)
  expect((await ask({ socketPath, path: '/umask' })).body).toBe(process.umask().toString(8))
})

const waiting =
  "import { existsSync as isThere } from 'node:fs'\nwhile (!isThere('import')) await new Promise((resolve) => setTimeout(resolve, 10))\n"
const touch = (server: Running, file: string) => writeFileSync(join(server.folder, file), '')
const titleOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()

/** A folder that everybody may read, with the app in it. */
function openFolder(): string {
  const folder = testFolder({ 'app.cjs': app })
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function* upwards(path: string): Generator<string> {
  yield path
  if (dirname(path) !== path) yield* upwards(dirname(path))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not there yet
  }
}

function identityOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const numbers = (name: string) =>
    (new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number)
  return { uids: numbers('Uid'), gids: numbers('Gid'), groups: numbers('Groups') }
}

function groupsOf(user: string): number[] {
  const rows = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((row) => row.split(':'))
  return rows.filter((row) => row[3]?.split(',').includes(user)).map((row) => Number(row[2]))
}

/** What a launcher has that starts the server from a login shell. */
function withGroups<T>(groups: number[], action: () => T): T {
  const before = process.getgroups?.() ?? []
  process.setgroups?.(groups)
  try {
    return action()
  } finally {
    process.setgroups?.(before)
  }
}

/** Starts what the action starts as nobody: a child has the effective user of the moment. */
function asUser<T>(action: () => T): T {
  return withGroups([], () => {
    process.setegid?.(gid)
    process.seteuid?.(uid)
    try {
      return action()
    } finally {
      process.seteuid?.(0)
      process.setegid?.(0)
    }
  })
}
