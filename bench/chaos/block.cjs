/** Preloaded into every process of the server: at SIGWINCH its main loop stands still for as long as a file of its pid says. */
const { readFileSync } = require('node:fs')
const { isMainThread } = require('node:worker_threads')

if (isMainThread && /(worker|dirty-arbiter)\.js$/.test(process.argv[1] ?? '')) {
  process.on('SIGWINCH', () => {
    const untilMs = performance.now() + Number(readFileSync(`block.${process.pid}`, 'utf8'))
    while (performance.now() < untilMs) Math.random()
  })
}
