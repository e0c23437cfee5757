/** The primary that everybody writes: new workers listen before old ones are disconnected, and what dies is forked anew. */
import cluster from 'node:cluster'

const patienceMs = 5_000
let isEnding = false
cluster.setupPrimary({ exec: 'app.mjs' })

const workers = () => Object.values(cluster.workers)
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)
const disconnect = (worker) => {
  worker.disconnect()
  const timer = setTimeout(() => worker.process.kill('SIGKILL'), patienceMs)
  worker.once('exit', () => clearTimeout(timer))
}
const fork = () =>
  new Promise((resolve, reject) => {
    const worker = cluster.fork()
    worker.once('listening', resolve)
    worker.once('exit', () => reject(new Error('it ended before it listened')))
  })

cluster.on('exit', (worker) => {
  say('exit', worker.process.pid)
  if (!isEnding && !worker.exitedAfterDisconnect && worker.isReady) fork().then(() => say('replaced'))
})
cluster.on('listening', (worker) => {
  worker.isReady = true
})
process.on('SIGHUP', async () => {
  try {
    for (const old of workers()) {
      await fork()
      disconnect(old)
    }
    say('reloaded')
  } catch {
    say('failed')
  }
})
process.on('SIGTTIN', () => fork().then(() => say('replaced')))
process.on('SIGTTOU', () => disconnect(workers()[0]))
process.on('SIGTERM', () => {
  isEnding = true
  cluster.disconnect(() => process.exit())
})
await Promise.all(Array.from({ length: Number(process.env.LEDGER_WORKERS) }, fork))
say('ready')
