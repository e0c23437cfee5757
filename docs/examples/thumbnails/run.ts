/**
 * `npm run example:thumbnails`: a Redis of its own, the service, and a first round of jobs. Ctrl-C ends it all.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** Any Node then runs the TypeScript of this example; from 22.18 on Node does by itself. */
const jiti = join(dirname(createRequire(import.meta.url).resolve('jiti')), 'jiti-cli.mjs')
const results = process.argv[2] ?? join(tmpdir(), 'monoceros-thumbnails')
const folder = mkdtempSync(join(tmpdir(), 'monoceros-thumbnails-redis-'))
const running: ChildProcess[] = []
/** The same, those included that are being ended. */
const started: ChildProcess[] = []
const keep = (child: ChildProcess) => {
  running.push(child)
  started.push(child)
}

/** The service first: it needs Redis for what it finishes. */
async function endAll(): Promise<void> {
  for (const child of running.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  rmSync(folder, { recursive: true, force: true })
}

async function startRedis(): Promise<string> {
  const port = await freePort()
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  // In a group of its own, as the service is: Ctrl-C is for this process, which then ends them in order.
  const redis = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  keep(redis)
  await new Promise<void>((resolve, reject) => {
    redis.once('error', () => reject(new Error('redis-server is wanted: `apt-get install redis-server`')))
    redis.once('exit', () => reject(new Error('redis-server has ended')))
    createInterface({ input: redis.stdout }).on('line', (line) => line.includes('Ready to accept connections') && resolve())
  })
  return `redis://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Told twice: nothing is waited for. Each of them leads a group of its own. */
function killAll(): never {
  for (const { pid, exitCode, signalCode } of started) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true })
  process.exit(1)
}

let isTold = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isTold) killAll()
    isTold = true
    void endAll().then(() => process.exit())
  })
}
try {
  const url = await startRedis()
  const env = { ...process.env, REDIS_URL: url }
  const service = fork(jiti, [program('service.ts')], { env, detached: true })
  keep(service)
  const [{ dashboard }] = await Promise.race([
    once(service, 'message') as Promise<[{ dashboard: string }]>,
    once(service, 'exit').then(() => Promise.reject(new Error('the service has ended'))),
  ])
  const adding = fork(jiti, [program('add.ts'), results], { env })
  const [code] = await once(adding, 'exit')
  if (code !== 0) throw new Error('not all thumbnails were made')

  const add = `REDIS_URL=${url} npx jiti ${relative(process.cwd(), program('add.ts'))}`
  console.log(`
  Things to try in another terminal:
    ${add}
                                    the same jobs again
    kill -HUP ${service.pid}                  a deploy: the pool loads images.ts anew, and no job is lost
    kill -TERM ${service.pid}                 the service finishes what it has begun, and ends
    ps --forest -eo pid,args | grep '[m]onoceros: '   which process is which; kill -9 one of [images], and its job is tried again

  And in a browser:
    ${dashboard}   the dashboard: watch all of this happen

  Ctrl-C ends it.
`)
  if (service.exitCode === null && service.signalCode === null) await once(service, 'exit')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await endAll()
}
