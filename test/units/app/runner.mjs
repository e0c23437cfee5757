/**
 * Started by run-app.ts: node runner.mjs ORDER (JSON). Loads an app as a worker would, sends it raw requests, and writes
 * what happened as JSON to descriptor 3. Imports the compiled sources, since the app must meet Node's own loader.
 */
import { writeSync } from 'node:fs'
import { connect } from 'node:net'

const order = JSON.parse(process.argv[2])
const compiled = (name) => import(new URL(`../../../dist/src/app/${name}.js`, import.meta.url).href)
const report = { wish: null, kind: null, answers: [], errors: [], hooks: [] }

const { parseAppSpec } = await compiled('spec')
const { findApp } = await compiled('find')
const { importApp } = await compiled('load')
const { adopt } = await compiled('adopt')
const { installListenTrap } = await compiled('listen-trap')
const { installFastResponse } = await compiled('fast-response')

process.on('uncaughtException', (error, origin) => report.errors.push(`${origin}: ${error}`))
let announce
const wished = new Promise((resolve) => {
  announce = resolve
})
const trap = installListenTrap((listen) => {
  report.wish ??= listen.wish
  announce(listen.server)
})

try {
  const server = await load()
  trap.remove()
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  for (const raw of order.requests) report.answers.push(await exchange(server.address().port, raw))
} catch (error) {
  Object.assign(report, {
    code: error.code,
    message: error.message,
    causeStack: error.cause?.stack ?? error.stack,
    causeCode: error.cause?.code,
  })
}
await new Promise((resolve) => setTimeout(resolve, 5)) // for a rejection that nobody heard
writeSync(3, JSON.stringify(report))
process.exit()

async function load() {
  const putResponseBack = order.isFastResponse ? installFastResponse() : undefined
  const parsed = parseAppSpec(order.spec)
  if (!parsed.ok) throw parsed.error
  const found = await findApp(parsed.spec.module, process.cwd())
  if (!found.ok) throw found.error
  const namespace = await importApp(found.file, { cwd: process.cwd(), spec: parsed.spec.text, args: order.args })
  const onError = (error) => report.errors.push(String(error))
  const adopted = await adopt(namespace, parsed.spec, { file: found.file, onError, ...(putResponseBack && { putResponseBack }) })
  report.kind = adopted.kind
  report.hooks = ['onStartup', 'onShutdown', 'close'].filter((name) => adopted[name] !== undefined)
  if (report.wish === null && adopted.kind !== 'none') return adopted.server
  if (order.isWithoutListen) throw new Error('nothing to serve')
  return wished
}

/** Sends text and answers all that comes back; `null` for an answer that was cut before its end. */
function exchange(port, raw) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(raw.text))
    let text = ''
    socket.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    if (raw.leaveAfterMs !== undefined) setTimeout(() => socket.destroy(), raw.leaveAfterMs)
    socket.on('error', () => {}) // a reset is told by what is missing
    socket.on('close', () => setTimeout(resolve, 20, text))
  })
}
