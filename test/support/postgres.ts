/** A PostgreSQL of the test's own, at a Unix socket in its folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Postgres {
  /** As `pg` wants it. */
  readonly connection: { readonly host: string; readonly user: 'postgres'; readonly database: 'postgres' }
  stop(): Promise<void>
}

const installed = '/usr/lib/postgresql'

/** Debian keeps its programs off the path, in a folder for each version. */
const programs = (() => {
  try {
    return join(installed, readdirSync(installed).sort().at(-1) ?? '', 'bin')
  } catch {
    return null // it is not installed
  }
})()

export const lacksPostgres = programs === null && process.env['MONOCEROS_TEST_STRICT'] !== '1'

/** It does not run as root: then as the user that its package has made. */
function whoRunsIt(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

export async function startPostgres(): Promise<Postgres> {
  if (programs === null) throw new Error('PostgreSQL is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-postgres-'))
  const who = whoRunsIt()
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid)
  const data = join(folder, 'data')
  const run = (program: string, words: readonly string[]): ChildProcess =>
    spawn(join(programs, program), words, { ...who, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  const made = run('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '--no-instructions'])
  const [code] = await once(made, 'exit')
  if (code !== 0) throw new Error(`initdb ended with ${code}`)
  const server = run('postgres', ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'lc_messages=C'])
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error('postgres ended at once')))
    createInterface({ input: server.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.includes('ready to accept connections')) resolve()
    })
  })
  return {
    connection: { host: folder, user: 'postgres', database: 'postgres' },
    async stop() {
      const gone = once(server, 'exit')
      server.kill('SIGINT')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
