/** The same load and the same app on node:cluster and PM2, for the events they have. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ask } from '../../test/support/client.ts'
import { pm2Path } from '../peers.ts'
import { freePort } from '../serve/child.ts'
import { childrenOf } from '../serve/processes.ts'
import { readBooks } from './books.ts'
import { appFile, soundApp, workers } from './monoceros.ts'
import type { Service, Trial } from './trial.ts'
import type { Permit } from './verdict.ts'

export { installPeers } from '../peers.ts'

/** A peer that runs: what the events need of it. */
interface Peer {
  readonly mainPid: number
  workerPids(): number[]
  reload(): Promise<void>
  scale(to: number): Promise<void>
  /** Its own way to end. */
  end(): Promise<void>
}

interface Started {
  readonly peer: Peer
  readonly port: number
  readonly folder: string
}

interface PeerEvent {
  /** As it is called for monoceros. */
  readonly name: string
  readonly isEnd?: boolean
  happen(peer: Peer, folder: string): Promise<Permit>
}

const patienceMs = 15_000
const nothingDied: Permit = { victims: new Map(), endsAtMs: null }

export const peerEvents: readonly PeerEvent[] = [
  {
    name: 'HUP',
    async happen(peer) {
      const old = peer.workerPids()
      await peer.reload()
      await until(
        'the old workers to go',
        () => peer.workerPids().length === workers && !peer.workerPids().some((pid) => old.includes(pid)),
      )
      return nothingDied
    },
  },
  {
    name: 'HUP with broken app',
    async happen(peer, folder) {
      writeFileSync(join(folder, appFile), "throw new Error('a broken deploy')\n")
      await peer.reload().catch(() => undefined)
      return nothingDied
    },
  },
  {
    name: 'TTIN, TTOU',
    async happen(peer) {
      await peer.scale(workers + 2)
      await peer.scale(workers)
      return nothingDied
    },
  },
  {
    name: 'SIGKILL of a worker',
    async happen(peer) {
      const [pid = 0] = peer.workerPids()
      const diedAtMs = Date.now()
      process.kill(pid, 'SIGKILL')
      await until('another worker', () => !peer.workerPids().includes(pid) && peer.workerPids().length === workers)
      return { victims: new Map([[pid, diedAtMs]]), endsAtMs: null }
    },
  },
  {
    name: 'SIGKILL of the arbiter',
    isEnd: true,
    async happen(peer) {
      const endsAtMs = Date.now()
      process.kill(peer.mainPid, 'SIGKILL')
      await until('it to be gone', () => !isAlive(peer.mainPid))
      return { victims: new Map(), endsAtMs }
    },
  },
  {
    name: 'TERM',
    isEnd: true,
    async happen(peer) {
      const endsAtMs = Date.now()
      await peer.end()
      return { victims: new Map(), endsAtMs }
    },
  },
]

export const clusterTrial = (event: PeerEvent): Trial => peerTrial('node:cluster', event, startCluster)
export const pm2Trial = (event: PeerEvent): Trial => peerTrial('PM2', event, startPm2)

function peerTrial(subject: string, event: PeerEvent, start: (folder: string, port: number) => Promise<Peer>): Trial {
  return {
    subject,
    event: event.name,
    isEnd: event.isEnd ?? false,
    async start() {
      const folder = mkdtempSync(join(tmpdir(), 'monoceros-ledger-'))
      writeFileSync(join(folder, appFile), soundApp)
      const port = await freePort()
      const peer = await start(folder, port)
      await until('it to serve', async () => (await serves(port)) && readBooks(folder).pids.length === workers)
      return serviceOf({ peer, port, folder }, event)
    },
  }
}

function serviceOf({ peer, port, folder }: Started, event: PeerEvent): Service {
  return {
    port,
    folder,
    happen: () => event.happen(peer, folder),
    async close() {
      const problems: string[] = []
      if (!event.isEnd) {
        if (!(await serves(port))) problems.push('it does not serve any more')
        await peer.end()
      }
      const pids = [peer.mainPid, ...readBooks(folder).pids]
      await until('all its processes to go', () => !pids.some(isAlive)).catch(() => {
        for (const pid of pids.filter(isAlive)) {
          problems.push(`left behind: ${pid}`)
          process.kill(pid, 'SIGKILL')
        }
      })
      rmSync(folder, { recursive: true, force: true })
      return problems
    },
  }
}

async function startCluster(folder: string, port: number): Promise<Peer> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./cluster-primary.js', import.meta.url))], {
    cwd: folder,
    env: { ...process.env, PORT: String(port), LEDGER_WORKERS: String(workers) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const said = linesOf(child)
  const count = (word: string) => said.filter((line) => line.startsWith(word)).length
  await until('ready', () => count('ready') === 1)
  const pid = child.pid as number
  return {
    mainPid: pid,
    workerPids: () => childrenOf(pid),
    async reload() {
      child.kill('SIGHUP')
      await until('the reload', () => count('reloaded') + count('failed') > 0)
    },
    async scale(to) {
      const by = to - childrenOf(pid).length
      for (let n = 0; n < Math.abs(by); n++) {
        const before = said.length
        child.kill(by > 0 ? 'SIGTTIN' : 'SIGTTOU')
        await until('the scaling', () => said.slice(before).some((line) => line.startsWith(by > 0 ? 'replaced' : 'exit')))
      }
    },
    async end() {
      if (isAlive(pid)) child.kill('SIGTERM')
      await until('the primary to end', () => !isAlive(pid)).catch(() => child.kill('SIGKILL'))
    },
  }
}

async function startPm2(folder: string, port: number): Promise<Peer> {
  const home = join(folder, 'pm2')
  const env = { ...process.env, PM2_HOME: home, PORT: String(port) }
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [pm2Path, ...args, '--silent'], { cwd: folder, env })
  await run('start', appFile, '-i', String(workers), '--name', 'ledger')
  const mainPid = Number(readFileSync(join(home, 'pm2.pid'), 'utf8'))
  return {
    mainPid,
    workerPids: () => childrenOf(mainPid),
    reload: async () => void (await run('reload', 'ledger')),
    async scale(to) {
      await run('scale', 'ledger', String(to))
      await until('the scaling', () => childrenOf(mainPid).length === to)
    },
    end: async () => void (await run('kill')),
  }
}

function linesOf(child: ChildProcess): string[] {
  const lines: string[] = []
  createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => lines.push(line))
  return lines
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)

const serves = (port: number) =>
  ask({ port, path: '/page', timeoutMs: 2_000 }).then(
    ({ status }) => status === 200,
    () => false,
  )
