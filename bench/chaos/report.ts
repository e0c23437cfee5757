/** The table of a run, and what in it may not be. */
import type { Held } from './look.ts'
import type { Chaos } from './run.ts'

/**
 * Connections to workers that this process had not called before. Where threads call or are called it is one for each of them
 * and each socket that it has called: 79 at most in a dirty worker and 44 in one of class gthread, of which half are made at first.
 */
const fdsMore = (role: string) => ({ 'dirty worker': 40, 'gthread worker': 24 })[role] ?? 4
/** Node's own pool, which is there when it was first wanted: in dirty workers it is from the start. */
const threadsMore = (role: string) => (role === 'dirty worker' ? 0 : 4)
/** What a heap keeps of its busiest moment; no payload passes an arbiter. */
const rssMoreMib = (role: string) => (role.endsWith('arbiter') ? 24 : 96)

export function grown({ held: [before, after] }: Chaos): string[] {
  const most = (list: readonly Held[], role: string, what: 'fds' | 'threads' | 'rssMib') =>
    Math.max(...list.filter((one) => one.role === role).map((one) => one[what]))
  const limitOf = (role: string) => ({ fds: fdsMore(role), threads: threadsMore(role), rssMib: rssMoreMib(role) })
  return [...new Set(before.map(({ role }) => role))].flatMap((role) =>
    (['fds', 'threads', 'rssMib'] as const).flatMap((what) => {
      const [from, to] = [most(before, role, what), most(after, role, what)]
      return to - from > limitOf(role)[what] ? [`${what} of ${role}: ${from} → ${to}`] : []
    }),
  )
}

export function tableOf({ rows, outcomes, calls, lateMs, held }: Chaos): string {
  const faults = rows
    .filter(({ times }) => times > 0)
    .map(({ victim, how, times, wholeAfterMs }) => [victim, how, String(times), String(Math.max(...wholeAfterMs))])
  const processes = held[0].map(({ role, fds, threads, rssMib }, index) => {
    const after = held[1][index]
    return [role, `${fds} → ${after?.fds}`, `${threads} → ${after?.threads}`, `${rssMib} → ${after?.rssMib}`]
  })
  return [
    aligned([['victim', 'fault', 'times', 'whole after at most (ms)'], ...faults]),
    `${calls} calls: ${Object.entries(outcomes)
      .map(([outcome, count]) => `${outcome} ${count}`)
      .join(', ')}`,
    `latest beyond its timeout: ${lateMs} ms`,
    aligned([['at rest', 'descriptors', 'threads', 'RSS (MiB)'], ...processes]),
  ].join('\n\n')
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
