/** What the peers run: the app behind a bare `node:http` server. BENCH_APP is its file, PORT its port. */
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const { default: app, onStartup } = await import(pathToFileURL(process.env.BENCH_APP ?? '').href)
await onStartup?.()
createServer(app).listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'))
