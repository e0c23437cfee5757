/** A process that is no part of the server, with as many callers as it is told; it tells each call, and how many it still waits for. */
import { callOnce } from './call.mjs'

let isOver = false
let told = []
const tell = () => {
  if (told.length > 0) process.send({ type: 'calls', calls: told })
  told = []
}

async function caller() {
  while (!isOver) told.push(await callOnce())
}

process.once('message', async ({ callers }) => {
  const timer = setInterval(tell, 100)
  const all = Promise.all(Array.from({ length: callers }, caller))
  process.once('message', async () => {
    isOver = true
    await all
    clearInterval(timer)
    tell()
    process.send({ type: 'over' })
    // It stays, and is looked at.
    process.once('message', () => process.disconnect())
  })
})
