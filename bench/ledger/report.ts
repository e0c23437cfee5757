/** The ledger as a table for people. */
import type { Row } from './trial.ts'

const columns: readonly { readonly title: string; of(row: Row): string }[] = [
  { title: 'subject', of: (row) => row.subject },
  { title: 'event', of: (row) => row.event },
  { title: 'requests', of: (row) => String(row.requests) },
  { title: 'ok', of: (row) => String(row.ok) },
  { title: 'in the hands', of: (row) => String(row.inHands) },
  { title: 'refused after', of: (row) => String(row.refused) },
  { title: 'lost', of: (row) => String(row.lost) },
  { title: 'seconds', of: (row) => row.seconds.toFixed(1) },
]

const isNumber = (text: string) => /^[\d.]+$/.test(text)

export function header(widths: readonly number[]): string {
  return columns.map(({ title }, index) => title.padEnd(widths[index] ?? 0)).join('  ')
}

/** Wide enough for every event that is to come, so that rows can be printed as they are known. */
export function widthsFor(names: readonly { subject: string; event: string }[]): number[] {
  const longest = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length))
  return columns.map(({ title }, index) => {
    if (index === 0) return longest([title, ...names.map((name) => name.subject)])
    if (index === 1) return longest([title, ...names.map((name) => name.event)])
    return title.length
  })
}

export function rowText(row: Row, widths: readonly number[], lossesMax = 10): string {
  const cells = columns.map(({ of }, index) => {
    const text = of(row)
    return isNumber(text) ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)
  })
  return [cells.join('  '), ...detailsOf(row, lossesMax)].join('\n')
}

/** What a person needs to look into a loss: which request, where it was, how far it had come. */
export function detailsOf(row: Row, lossesMax = 10): string[] {
  const lost = row.losses.filter((loss) => loss.judgement === 'lost')
  const lines = lost.slice(0, lossesMax).map((loss) => {
    const line = loss.openedAtMs === null ? 'no connection' : `connection ${loss.sentAtMs - loss.openedAtMs} ms old when sent`
    const holder = loss.holder === null ? 'nobody noted it' : `in the hands of ${loss.holder}`
    return `  lost: ${loss.id} ${loss.what} (${loss.kind}${loss.isReused ? ', reused' : ''}): ${loss.why} after ${loss.lostAtMs - loss.sentAtMs} ms, ${loss.phase}; ${line}; ${holder}`
  })
  const more = lost.length > lossesMax ? [`  … and ${lost.length - lossesMax} more`] : []
  return [...lines, ...more, ...row.problems.map((problem) => `  problem: ${problem}`)]
}
