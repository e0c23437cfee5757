/**
 * `npm run ledger [-- --peers] [--threads N] [--workers N] [--requests N] [--only TEXT] [--with="-k sync"]`: every lifecycle event under load,
 * and what it lost. Exits with 1 when monoceros lost a request, or when something of it was not as it should be.
 */
import { parseArgs } from 'node:util'
import { asyncLayout, mixedEvents, monocerosEvents, monocerosTrial } from './monoceros.ts'
import { header, rowText, widthsFor } from './report.ts'
import { threadEvents, threadLayout } from './threads.ts'
import { runTrial, type Trial } from './trial.ts'

const { values } = parseArgs({
  options: {
    /** node:cluster and PM2 as well, for the events they have. */
    peers: { type: 'boolean', default: false },
    /** The events of gthread, with so many threads in each worker, in the place of those of async. */
    threads: { type: 'string', default: '0' },
    /** As many as the class has in this ledger, unless it says otherwise. */
    workers: { type: 'string', default: '0' },
    requests: { type: 'string', default: '5000' },
    /** Only events whose name, or subjects whose name, has this in it. */
    only: { type: 'string', default: '' },
    /** More options for monoceros, to see the events under other settings. */
    with: { type: 'string', default: '' },
  },
})
const moreArgs = values.with.split(' ').filter(Boolean)
const threads = Number(values.threads)
const usual = threads > 0 ? threadLayout(threads) : asyncLayout
const layout = { ...usual, workers: Number(values.workers) || usual.workers }
const events = threads > 0 ? threadEvents : monocerosEvents
const own = [...events, ...mixedEvents].map((event) => monocerosTrial(event, moreArgs, layout))
const theirs = values.peers ? await peerTrials() : []
const trials = [...own, ...theirs].filter(({ subject, event }) => `${subject} ${event}`.toLowerCase().includes(values.only.toLowerCase()))

const widths = widthsFor(trials)
const print = (text: string) => process.stdout.write(`${text}\n`)
print(header(widths))
for (const trial of trials) {
  const row = await runTrial(trial, Number(values.requests))
  print(rowText(row, widths, own.includes(trial) ? 10 : 2))
  if (own.includes(trial) && (row.lost > 0 || row.problems.length > 0)) process.exitCode = 1
}

/** Loaded, and installed, only when they are asked for. */
async function peerTrials(): Promise<Trial[]> {
  const { clusterTrial, installPeers, peerEvents, pm2Trial } = await import('./peers.ts')
  installPeers()
  return [...peerEvents.map(clusterTrial), ...peerEvents.map(pm2Trial)]
}
