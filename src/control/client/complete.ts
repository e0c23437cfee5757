/** What may come next on a command line: words of the table, and the pids and slots of the running server. */
import { commandNames, rowOf } from '../command-table.ts'

/** Asks the server; empty when it does not answer. */
export type Ask = (command: string) => Promise<Readonly<Record<string, unknown>>>

const own = ['watch', 'quit', 'exit']

/** @returns what fits, and the part of the line that it stands for */
export async function completeLine(line: string, ask: Ask): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/)
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const isWatch = before[0] === 'watch'
  const command = isWatch ? before.slice(/^\d/.test(before[1] ?? '') ? 2 : 1) : before
  const offers = await offersAfter(command, isWatch, ask)
  const fitting = offers.filter((offer) => offer.startsWith(typed))
  return [fitting.map((offer) => `${offer} `), typed]
}

async function offersAfter(before: readonly string[], isWatch: boolean, ask: Ask): Promise<string[]> {
  const names = isWatch ? commandNames.filter((name) => name.startsWith('show ')) : commandNames
  const name = names.findLast((one) => before.slice(0, one.split(' ').length).join(' ') === one)
  if (name === undefined) {
    const next = names
      .map((one) => one.split(' '))
      .filter((parts) => before.every((word, at) => parts[at] === word))
      .flatMap((parts) => parts[before.length] ?? [])
    return [...new Set([...next, ...(before.length === 0 && !isWatch ? own : [])])].sort()
  }
  const row = rowOf(name)
  const rest = before.slice(name.split(' ').length)
  const option = row.options.find(({ flag, kind }) => kind !== null && flag === rest.at(-1))
  if (option !== undefined) return option.name === 'actor' ? await actors(ask) : []
  const flags = row.options.map(({ flag }) => flag).filter((flag) => !rest.includes(flag))
  const argument = row.arguments[rest.filter((word) => !word.startsWith('-')).length]
  if (argument === undefined) return flags
  const known = argument.kind === 'pid' ? await pids(ask) : argument.kind === 'slot' ? await slots(ask) : []
  return [...known, ...(argument.words ?? []), ...flags]
}

interface Process {
  readonly pid?: number
  readonly slot?: number
}

async function processes(ask: Ask): Promise<{ all: Process[]; workers: Process[] }> {
  const data = await ask('show all')
  const workers = (data['web_workers'] ?? []) as Process[]
  const others = [data['arbiter'], data['dirty_arbiter'], ...((data['dirty_workers'] ?? []) as Process[])] as (Process | null | undefined)[]
  return { workers, all: [...workers, ...others.flatMap((process) => process ?? [])] }
}

const pids = async (ask: Ask) => (await processes(ask)).all.map(({ pid }) => String(pid))
const slots = async (ask: Ask) => [...new Set((await processes(ask)).workers.map(({ slot }) => String(slot)))]

async function actors(ask: Ask): Promise<string[]> {
  const { machines = [] } = (await ask('show machines')) as { machines?: readonly { readonly chart: string }[] }
  return [...new Set(machines.map(({ chart }) => chart))]
}
