/** HUP: sidecars that did not change go on; what is new is ready before the new workers boot, or nothing changes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { begin } from '../support/client.ts'
import { control } from '../support/control.ts'
import type { Running } from '../support/harness.ts'
import { holding } from '../support/programs.ts'
import { ending, nobodyIsLeft, pidOf, pidsOf, placeOf, reload, serve, shell, sleeper } from '../support/sidecars.ts'

const changed = (name: string) => sleeper(name, { args: ['2000'] })

async function namesNow(server: Running): Promise<[name: string, command: string, state: string][]> {
  const { sidecars } = await (await control(server)).data('show sidecars')
  return sidecars.map((row: { name: string; command: string; state: string }) => [row.name, row.command, row.state])
}

test('the same goes on, another is replaced, a new one is ready first, and one that is not wanted goes last', async () => {
  const server = serve([sleeper('same'), sleeper('other'), sleeper('old')])
  await server.ready()
  reload(server, [sleeper('new'), sleeper('same'), changed('other')])
  await server.until('sidecar.gone', { sidecar: 'old' })
  const secondBoot = placeOf(server, 'worker.booting', { gen: 2 })
  expect(placeOf(server, 'sidecar.ready', { sidecar: 'new' })).toBeLessThan(secondBoot)
  expect(server.lines.findLastIndex(({ event, sidecar }) => event === 'sidecar.ready' && sidecar === 'other')).toBeLessThan(secondBoot)
  expect(placeOf(server, 'sidecar.draining', { sidecar: 'old' })).toBeGreaterThan(placeOf(server, 'worker.gone', { gen: 1 }))
  // One after the other: the new one may need the port of the old.
  expect(placeOf(server, 'sidecar.booting', { childPid: pidOf(server, 'other') })).toBeGreaterThan(
    placeOf(server, 'sidecar.gone', { sidecar: 'other' }),
  )
  expect([pidsOf(server, 'same').length, pidsOf(server, 'other').length]).toEqual([1, 2])
  expect(await namesNow(server)).toEqual([
    ['same', 'sleep 1000', 'ready'],
    ['new', 'sleep 1000', 'ready'],
    ['other', 'sleep 2000', 'ready'],
  ])
  await server.stop()
  await nobodyIsLeft(server)
})

test('one that is not wanted any more stays while an old worker may need it', async () => {
  const server = serve([sleeper('old')], { app: holding })
  await server.ready()
  const held = await begin({ port: server.port(), path: '/hold/go' })
  reload(server, [])
  await server.until('reload.done')
  await server.until('worker.draining', { gen: 1 })
  // Nor does another reload end it that comes to nothing.
  reload(server, [shell('bad', 'exit 1', ending)])
  await server.until('reload.rolled-back')
  expect(server.all('sidecar.draining')).toEqual([])
  writeFileSync(join(server.folder, 'go'), '')
  expect((await held.whole).body).toBe('held')
  await server.until('sidecar.gone', { sidecar: 'old' })
})

test('one that does not get ready rolls the reload back, and the old ones run', async () => {
  const server = serve([sleeper('same'), sleeper('other'), sleeper('old')])
  await server.ready()
  reload(server, [sleeper('same'), changed('other'), sleeper('new'), shell('bad', 'exit 1', ending)])
  await server.until('reload.rolled-back')
  await server.untilCount('sidecar.ready', 6)
  await server.until('sidecar.gone', { sidecar: 'new' })
  expect(server.all('worker.booting', { gen: 2 })).toEqual([])
  expect([pidsOf(server, 'same').length, pidsOf(server, 'old').length]).toEqual([1, 1])
  expect((await namesNow(server)).sort()).toEqual([
    ['old', 'sleep 1000', 'ready'],
    ['other', 'sleep 1000', 'ready'],
    ['same', 'sleep 1000', 'ready'],
  ])
})

test('workers that do not get ready roll it back too, and what was started for them goes', async () => {
  const server = serve([sleeper('same'), sleeper('other')], { files: { 'broken.mjs': 'throw new Error("broken")\n' } })
  await server.ready()
  reload(server, [changed('other'), sleeper('new')], { app: './broken.mjs' })
  await server.until('reload.rolled-back')
  await server.until('sidecar.gone', { sidecar: 'new' })
  await server.untilCount('sidecar.ready', 5)
  expect(pidsOf(server, 'same')).toHaveLength(1)
  expect((await namesNow(server)).sort()).toEqual([
    ['other', 'sleep 1000', 'ready'],
    ['same', 'sleep 1000', 'ready'],
  ])
})

test('a command that is not there rolls it back before anything is touched', async () => {
  const server = serve([sleeper('other')])
  await server.ready()
  reload(server, [changed('other'), { name: 'bad', command: './no-such-file' }])
  await server.until('reload.rolled-back')
  expect([server.all('sidecar.booting').length, server.all('sidecar.draining').length]).toEqual([1, 0])
})

test('a newer reload does not wait for a sidecar of the older one', async () => {
  const server = serve([sleeper('same')])
  await server.ready()
  reload(server, [sleeper('same'), sleeper('slow', { readyWhen: { file: 'never' } })])
  await server.until('sidecar.booting', { sidecar: 'slow' })
  reload(server, [sleeper('same'), sleeper('quick')])
  await server.until('reload.done')
  await server.until('sidecar.gone', { sidecar: 'slow' })
  expect((await namesNow(server)).map(([name]) => name)).toEqual(['same', 'quick'])
})

test('a stop in the midst of it ends all of them', async () => {
  const server = serve([sleeper('same')])
  await server.ready()
  reload(server, [sleeper('slow', { readyWhen: { file: 'never' } })])
  await server.until('sidecar.booting', { sidecar: 'slow' })
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(server.all('sidecar.gone')).toHaveLength(2)
  await nobodyIsLeft(server)
})

test('a server that started without any can have them with a reload', async () => {
  const server = serve([])
  await server.ready()
  reload(server, [sleeper('new')])
  await server.until('reload.done')
  expect((await namesNow(server)).map(([name]) => name)).toEqual(['new'])
  server.signal('SIGKILL')
  await nobodyIsLeft(server)
})
