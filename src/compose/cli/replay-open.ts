/** `monoceros replay FILE --open`: the page of the dashboard, on what a flight recorder has kept. */
import { basename } from 'node:path'
import { isatty } from 'node:tty'
import { problemOf } from '../../base/errors.ts'
import { openDoor } from '../../dashboard/http-door.ts'
import { pageRoutes } from '../../dashboard/page-files.ts'
import { dashboardRoutes } from '../../dashboard/routes.ts'
import { createViewers } from '../../dashboard/viewers.ts'
import type { Recorded, Transition } from '../../ipc/transition.ts'
import { showInBrowser } from '../../os/browser.ts'
import { pageFolder } from '../page-folder.ts'

/** Serves until it is told to end, on loopback and at a port of the kernel's choice. */
export async function openRecording(path: string, steps: readonly Transition[]): Promise<never> {
  const recorded: readonly Recorded[] = steps.map((step, index) => ({ id: index + 1, step }))
  const viewers = createViewers({
    source: 'file',
    name: basename(path),
    life: `${path} ${steps.length} ${Date.now()}`,
    history: { lastId: recorded.length, size: recorded.length, since: (id) => recorded.slice(id), before: () => [] },
    now: null,
  })
  const door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    token: null,
    routes: [...pageRoutes(pageFolder), ...dashboardRoutes({ viewers, command: null })],
    onProblem: (error, at) => process.stderr.write(`monoceros: ${at}: ${problemOf(error)}\n`),
  })
  const url = `http://127.0.0.1:${door.port}/`
  process.stdout.write(`${steps.length} steps of ${path} at ${url} until Ctrl-C\n`)
  if (isatty(1)) showInBrowser(url)
  return new Promise<never>(() => undefined)
}
