// Appends numbered lines to a log until told to stop; `reopen` is answered when the new file is in use.
import { createErrorLog } from '../../../../src/log/error-log.ts'

const [destination, linesMax] = [process.argv[2]!, Number(process.argv[3])]
const log = createErrorLog({ destination, format: 'json', level: 'info', who: { role: 'worker' } })
let lines = 0
let isStopped = false

async function append(): Promise<void> {
  while (lines < linesMax && !isStopped) {
    for (let i = 0; i < 50 && lines < linesMax; i++) log.event('worker.gone', { how: 'x'.repeat((lines * 37) % 700), line: lines++ })
    await log.flush(10_000) // so that nothing is dropped
  }
  await end()
}

async function end(): Promise<void> {
  await log.flush(10_000)
  process.send!({ type: 'done', lines, dropped: log.dropped }, () => process.exit(0))
}

process.on('message', async (order) => {
  if (order === 'stop') isStopped = true
  if (order !== 'reopen') return
  log.reopen()
  log.event('log.failed', { line: lines++ })
  await log.flush(10_000)
  process.send!({ type: 'reopened' })
})
await append()
