/** The shop does its heavy work in dirty apps: the rest of it goes on meanwhile, and without a pool it says what is missing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, begin } from '../support/client.ts'
import { type Running, root, start, startShared } from '../support/harness.ts'

const app = 'docs/examples/shop/app.js'
const source = readFileSync(join(root, app), 'utf8')
const json = { accept: 'application/json' }

/** The grammars are slow on a machine that is busy. */
const timeoutMs = 60_000
const base = ['-b', '127.0.0.1:0', '--log-format', 'json', '-w', '1']
const highlight = (port: number, name: string, body = source) =>
  ask({ port, path: `/highlight?name=${name}`, method: 'POST', headers: { ...json, 'content-type': 'text/plain' }, body, timeoutMs })

describe.each([
  ['async', []],
  ['gthread', ['--threads', '2']],
])('with dirty apps, in %s', (workerClass, options) => {
  let server: Running
  let close: () => Promise<void>
  beforeAll(async () => {
    const args = [app, '-c', 'docs/examples/shop/monoceros.config.js', ...base, '--dirty-workers', '1', '-k', workerClass, ...options]
    ;({ running: server, close } = startShared({ args, cwd: root }))
    await server.ready()
  })
  afterAll(() => close())

  test('its only worker answers others while a file is highlighted', async () => {
    const port = server.port()
    let isDone = false
    let meanwhile = 0
    const pids = new Set<number>()
    const heavy = highlight(port, 'app.js', source.repeat(2)).finally(() => (isDone = true))
    for (; !isDone; meanwhile++) pids.add(JSON.parse((await ask({ port, path: '/pid' })).body).pid)
    expect(meanwhile).toBeGreaterThan(5)
    expect([...pids]).toEqual([...server.workers().values()])
    const { status, body } = await heavy
    expect(status).toBe(200)
    const { html, lines, pid } = JSON.parse(body)
    expect(lines).toBe(source.repeat(2).split('\n').length)
    expect(html).toContain('<span')
    expect(pids).not.toContain(pid)
  })

  test('a language that has no grammar is the caller’s mistake, and a text that is too long as well', async () => {
    const port = server.port()
    expect((await highlight(port, 'app.cobol')).status).toBe(415)
    expect((await highlight(port, 'app.js', 'x'.repeat(1024 * 1024 + 1))).status).toBe(413)
    expect((await highlight(port, 'app.js', 'let it = 1')).status).toBe(200)
  })

  test('a reader who leaves a report ends it: the next one need not wait for the rest', async () => {
    const port = server.port()
    const left = 9
    const startedMs = performance.now()
    for (let turn = 0; turn < left; turn++) (await begin({ port, path: '/report' })).abort()
    const { status, body } = await ask({ port, path: '/report', timeoutMs })
    const tookMs = performance.now() - startedMs
    expect(status).toBe(200)
    const all = body.trimEnd().split('\n')
    expect(all).toHaveLength(3_001)
    const wholeMs = Number(/ in (\d+) ms/.exec(all.at(-1) ?? '')?.[1])
    // Had the others run to their end, it would be ten times as long.
    expect(tookMs).toBeLessThan(5 * wholeMs)
  })
})

test.each([
  ['async', []],
  ['gthread', ['--threads', '2']],
])('without dirty apps the heavy routes answer 503 and say how to get them, in %s', async (workerClass, options) => {
  const server = start({ args: [app, ...base, '-k', workerClass, ...options], cwd: root })
  await server.ready()
  await saysWhatIsMissing(server.port())
  const page = await ask({ port: server.port(), path: '/heavy' })
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  // It is whole in itself.
  expect(page.body).not.toMatch(/\bsrc=|<link|https?:/)
})

test('without dirty apps the heavy routes answer 503 and say how to get them, on plain Node', async () => {
  const child = spawn(process.execPath, ['test/support/bare-runner.mjs', app], { cwd: root, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exit = once(child, 'exit')
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    await saysWhatIsMissing(port)
  } finally {
    child.kill('SIGKILL')
    await exit
  }
})

async function saysWhatIsMissing(port: number): Promise<void> {
  const answers = [await highlight(port, 'app.js'), await ask({ port, path: '/report', headers: json })]
  for (const { status, body } of answers) {
    expect(status).toBe(503)
    expect(JSON.parse(body).error).toContain('--dirty-app')
  }
  expect((await ask({ port, path: '/pid' })).status).toBe(200)
}
