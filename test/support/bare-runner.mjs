// Runs one example on plain Node and sends { host, port } to its parent.
//   exported app:       node bare-runner.mjs docs/examples/koa/app.js
//   program that listens: node --import bare-runner.mjs docs/examples/listen-cjs/server.cjs
import { createServer, Server } from 'node:http'
import net from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

// A parent that is gone without a word must not leave servers behind.
process.on('disconnect', () => process.exit(0))
process.channel?.unref()

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  if (args.length > 0 && typeof args[0] !== 'object' && typeof args[1] !== 'string') args.splice(1, 0, '127.0.0.1')
  this.once('listening', () => {
    const { address, port } = this.address()
    process.send({ host: address, port })
  })
  return listen.apply(this, args)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2])

async function serve(spec) {
  const [, path, factory] = /^(.*?)(?::(\w+)\(\))?$/.exec(spec)
  const url = resolve(path)
  const { createJiti } = await import('jiti')
  const module = path.endsWith('.ts') ? await createJiti(import.meta.url).import(url) : await import(url)
  await module.onStartup?.({})
  const app = factory ? await module[factory]() : module.default
  const server = app instanceof Server ? app : createServer(await toHandler(app))
  server.listen(0, '127.0.0.1')
}

async function toHandler(app) {
  if (typeof app.fetch === 'function') return (await import('srvx/node')).toNodeHandler((request) => app.fetch(request))
  if (typeof app.callback === 'function') return app.callback()
  if (typeof app.routing === 'function') return app.ready().then(() => app.routing)
  if (typeof app.getHttpAdapter === 'function') return app.init().then(() => app.getHttpAdapter().getInstance())
  return app
}
