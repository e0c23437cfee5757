/** The same program under node:cluster, as its documentation has it; BENCH_WORKERS of them. */
import cluster from 'node:cluster'

if (cluster.isPrimary) {
  const workers = Number(process.env.BENCH_WORKERS)
  let listening = 0
  cluster.setupPrimary({ silent: true })
  cluster.on('listening', () => {
    listening++
    if (listening === workers) process.stdout.write('ready\n')
  })
  for (let n = 0; n < workers; n++) cluster.fork()
} else {
  await import('./program.js')
}
