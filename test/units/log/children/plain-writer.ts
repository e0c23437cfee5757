// Shares a file as stderr between the log and the app's own console.error.
import { createErrorLog } from '../../../../src/log/error-log.ts'

const log = createErrorLog({ destination: '-', format: 'json', level: 'info', who: { role: 'worker' } })
for (let i = 0; i < 200; i++) {
  console.error(`plain ${i}`)
  log.event('worker.gone', { how: `logged ${i}` })
  if (i % 10 === 0) await new Promise(setImmediate)
}
await log.flush()
process.exit(0)
