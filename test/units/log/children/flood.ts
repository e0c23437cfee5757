// Logs far more than its stderr takes, then ends as every process of ours does: flush, exit. It tells over IPC what
// that cost, and waits for `go on` first when its second argument asks for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createErrorLog } from '../../../../src/log/error-log.ts'

const [format, floodBytes, isPatient] = [process.argv[2] as 'text' | 'json', Number(process.argv[3]), process.argv[4] === 'patient']
const log = createErrorLog({ destination: '-', format, level: 'info', who: { role: 'worker', slot: 0, age: 1, gen: 1 } })
const how = 'x'.repeat(400)
const lagsMs: number[] = []
let lastMs = performance.now()
const beat = setInterval(() => {
  lagsMs.push(performance.now() - lastMs - 5)
  lastMs = performance.now()
}, 5)

let lines = 0
function burst(): void {
  // As the arbiter does when a worker dies: this makes the shared description of stderr blocking again.
  if (lines % 10_000 === 0) spawn('true', { stdio: 'inherit' })
  for (let i = 0; i < 50; i++) log.event('worker.gone', { how, line: lines++ })
  if (lines * how.length < floodBytes) setImmediate(burst)
  else void end()
}

async function end(): Promise<void> {
  clearInterval(beat)
  const dropped = log.dropped
  if (isPatient) {
    process.send!({ type: 'flooded' })
    await once(process, 'message')
    await log.flush(10_000) // the lines
    await log.flush(10_000) // and the report of those that were dropped
  }
  const beforeMs = performance.now()
  await log.flush()
  log.flushSync()
  const flushMs = performance.now() - beforeMs
  const medianLagMs = lagsMs.sort((a, b) => a - b)[lagsMs.length >> 1]
  process.send!({ type: 'done', lines, dropped, flushMs, medianLagMs }, () => process.exit(0))
}

burst()
