import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
export const appsFolder = join(repository, 'test/apps')

export interface RawRequest {
  readonly text: string
  readonly leaveAfterMs?: number
}

export interface Run {
  readonly cwd: string
  readonly requests?: readonly RawRequest[]
  readonly isFastResponse?: boolean
  readonly args?: readonly string[]
  /** Do not wait for a `listen()` when nothing is exported. */
  readonly isWithoutListen?: boolean
  readonly env?: Readonly<Record<string, string>>
}

export interface Report {
  readonly kind: string | null
  readonly wish: { readonly host: string | null; readonly port: number | null; readonly path: string | null } | null
  readonly answers: readonly string[]
  readonly errors: readonly string[]
  readonly hooks: readonly string[]
  readonly code?: string
  readonly message?: string
  readonly causeStack?: string
  readonly causeCode?: string
  readonly stdout: string
  readonly stderr: string
}

/** Loads an app in a process of its own, as a worker does, and tells what became of it. */
export async function runApp(spec: string, run: Run): Promise<Report> {
  refuseStaleBuild()
  const order = { spec, requests: [], ...run }
  const runner = fileURLToPath(new URL('runner.mjs', import.meta.url))
  const child = spawn(process.execPath, [runner, JSON.stringify(order)], {
    cwd: run.cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...run.env },
  })
  const texts = ['', '', '', '']
  for (const index of [1, 2, 3]) child.stdio[index]!.on('data', (data) => (texts[index] += data))
  await new Promise((resolve) => child.on('close', resolve))
  const [, stdout = '', stderr = '', report] = texts
  if (!report) throw new Error(`the runner ended without a report: ${stderr || stdout}`)
  return { ...JSON.parse(report), stdout, stderr }
}

export function get(path: string, headers = ''): RawRequest {
  return { text: `GET ${path} HTTP/1.1\r\nHost: localhost:80\r\nConnection: close\r\n${headers}\r\n` }
}

export function statusOf(answer: string | undefined): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer ?? '')?.[1])
}

export function bodyOf(answer: string | undefined): string {
  const body = answer?.slice(answer.indexOf('\r\n\r\n') + 4) ?? ''
  return /^transfer-encoding: chunked/im.test(answer ?? '') ? body.replace(/[\da-f]+\r\n(.*?)\r\n/gs, '$1') : body
}

/** A folder of files inside the repository, so that they find the installed frameworks; `->path` is a link. `remove` deletes it. */
export function appFolder(files: Readonly<Record<string, string>>): { path: string; remove(): void } {
  const base = join(repository, '.cache')
  mkdirSync(base, { recursive: true })
  const path = mkdtempSync(join(base, 'app-'))
  for (const [name, text] of Object.entries({ 'package.json': '{}', ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(path, name))
    else writeFileSync(join(path, name), text)
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The compiled sources must be those of this tree: an old build would make the tests speak of other code. */
function refuseStaleBuild(): void {
  for (const folder of ['src/app', 'src/os', 'src/base']) {
    for (const name of readdirSync(join(repository, folder))) {
      if (folder === 'src/os' && !['module-internals.ts', 'link-place.ts'].includes(name)) continue
      const source = join(repository, folder, name)
      const built = join(repository, 'dist', folder, name.replace(/\.ts$/, '.js'))
      const builtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs
      if (builtMs === undefined || builtMs < statSync(source).mtimeMs) {
        throw new Error(`${built} is ${builtMs === undefined ? 'missing' : `older than ${folder}/${name}`}: run \`npm run build\` first`)
      }
    }
  }
}
