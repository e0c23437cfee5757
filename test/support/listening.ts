import { execFileSync } from 'node:child_process'
import type { Running } from './harness.ts'

/** Ports on which any process of the test listens. */
export function listening(server: Running): number[] {
  const pids = server.family().map((pid) => `pid=${pid},`)
  const rows = execFileSync('ss', ['-ltnpH'], { encoding: 'utf8' }).split('\n')
  const ours = rows.filter((row) => pids.some((pid) => row.includes(pid)))
  return [...new Set(ours.map((row) => Number(/:(\d+)\s/.exec(row)?.[1])))]
}
