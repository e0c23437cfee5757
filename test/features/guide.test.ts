/** What the guide shows as a program is one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../support/client.ts'
import { packageFiles } from '../support/dirty.ts'
import { root, start, testFolder } from '../support/harness.ts'
import { poll } from '../support/poll.ts'

const blocksOf = (page: string, language: string): string[] => {
  const text = readFileSync(join(root, 'docs/guide', page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}
const blockOf = (page: string, language: string): string => blocksOf(page, language)[0] ?? ''

test('the worker class of the guide lets four requests run at a time, and the others wait', async () => {
  const app = `
    let running = 0
    export default (req, res) => {
      running += 1
      const now = running
      setTimeout(() => { running -= 1; res.end(String(now)) }, 30)
    }`
  const server = start({
    args: ['./app.mjs', '-k', './few.mjs', '-b', '127.0.0.1:0'],
    files: { 'app.mjs': app, 'few.mjs': blockOf('worker-class.md', 'js') },
  })
  await server.ready()
  const port = server.port()
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask({ port })))
  expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200))
  expect(Math.max(...answers.map(({ body }) => Number(body)))).toBe(4)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('the dirty app of the guide and its caller are programs', async () => {
  const [images = '', app = ''] = blocksOf('dirty.md', 'ts')
  const server = start({
    args: ['./app.ts', '-w', '1', '--dirty-app', './images.ts:ImageApp', '--dirty-workers', '1', '-b', '127.0.0.1:0'],
    // A picture of a hundredth of the size.
    files: { ...packageFiles, 'images.ts': images, 'app.ts': app.replaceAll('8000', '800').replaceAll('6000', '600') },
  })
  await server.ready()
  const port = server.port()
  expect((await ask({ port })).body).toBe('fast\n')
  expect((await ask({ port, path: '/thumbnail' })).body).toBe('80 x 60\n')
  expect((await ask({ port, path: '/sizes' })).body).toBe('12 x 9\n25 x 18\n50 x 37\n100 x 75\n200 x 150\n')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('the sidecar of the guide is there for the app of the guide', async () => {
  const [config = '', app = ''] = blocksOf('sidecars.md', 'js')
  const server = start({
    args: [],
    files: { 'monoceros.config.mjs': config.replace(':8000', ':0'), 'app.mjs': app },
  })
  await server.ready()
  const port = server.port()
  expect((await ask({ port })).body).toBe('visit 1\n')
  expect((await ask({ port })).body).toBe('visit 2\n')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('the config file of the guide is one', async () => {
  const server = start({
    args: ['-b', '127.0.0.1:0', '-w', '1'],
    files: {
      'app.js': 'export default (req, res) => { res.statusCode = 500; res.end() }',
      'package.json': '{ "type": "module" }',
      'monoceros.config.mjs': blockOf('configuration.md', 'ts').replace(/^import .*$/m, 'const defineConfig = (config) => config'),
    },
  })
  await server.ready()
  await server.until('hook.info', { role: 'worker' })
  expect((await ask({ port: server.port(), path: '/x' })).status).toBe(500)
  await server.until('hook.warning', { role: 'worker' })
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test.each([
  ['only INT', `process.on('SIGINT', () => end('int'))`, 'int'],
  ['TERM and INT', `for (const name of ['SIGTERM', 'SIGINT']) process.on(name, (signal) => end(signal))`, 'SIGTERM'],
])('a program that handles %s, as PM2 or others want it, ends by its own handler', async (_, handler, word) => {
  const program = `
    const server = require('node:http').createServer((req, res) => res.end('ok'))
    const end = (word) => { process.stdout.write('ended by ' + word); process.exit(0) }
    server.listen(0, '127.0.0.1', () => process.send('ready'))
    ${handler}`
  const server = start({ args: ['./app.cjs'], files: { 'app.cjs': program } })
  await server.ready()
  expect((await ask({ port: server.port() })).body).toBe('ok')
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.stdout()).toBe(`ended by ${word}`)
})

test('the server of the guide is a part of a program, and so are the logger and the pool', async () => {
  const [server = '', logging = '', pool = '', primes = ''] = blocksOf('embedding.md', 'js')
  const files = {
    ...packageFiles,
    'node_modules/pino/index.js': `module.exports = require(${JSON.stringify(`${root}/node_modules/pino`)})`,
    'app.mjs': 'export default (req, res) => res.end("hello")',
    'primes.mjs': primes,
  }
  const program = (text: string) => {
    const folder = testFolder({ ...files, 'host.mjs': text })
    return start({ cli: join(folder, 'host.mjs'), args: [], cwd: folder })
  }
  const [serving, logged, pooled] = [program(server), program(logging), program(pool)]
  const address = await poll(() => /serving at (\S+)/.exec(serving.stdout())?.[1])
  expect((await ask({ port: Number(address.split(':')[1]) })).body).toBe('hello')
  expect(await serving.stop()).toEqual({ code: 0, signal: null })
  expect(serving.stdout()).toMatch(/bye\n$/)
  expect(await logged.exited).toEqual({ code: 0, signal: null })
  expect(logged.stdout()).toContain('"event":"arbiter.ready"')
  expect(await pooled.exited).toEqual({ code: 0, signal: null })
  expect(pooled.stdout()).toBe('1229\n')
})
