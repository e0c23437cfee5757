/** Opens the arbiter's control socket. What answers there is loaded with the first request: most servers are never asked. */
import { resolve } from 'node:path'
import { MonocerosError, problemOf } from '../../base/errors.ts'
import { type ControlServer, openControlSocket } from '../../control/server.ts'
import { controlSocketPath } from '../../control/socket-path.ts'
import type { ArbiterEntry } from './arbiter.ts'
import type { ArbiterScope } from './arbiter-scope.ts'

const none: ControlServer = { close: () => undefined }

/** A server without its control socket serves all the same. */
export async function openControl(scope: ArbiterScope, { probeUrl }: Pick<ArbiterEntry, 'probeUrl'>): Promise<ControlServer> {
  const { controlSocket, controlSocketMode, controlSocketDisable, chdir } = scope.current.config.settings
  if (controlSocketDisable) return none
  const path = controlSocketPath(controlSocket, resolve(chdir), process.env)
  try {
    const server = await openControlSocket({
      path,
      mode: controlSocketMode,
      async answer(request) {
        const { answerControl } = await import('../control/control-commands.ts')
        return answerControl(scope, probeUrl, request)
      },
    })
    scope.log.event('control.listening', { path })
    return server
  } catch (error) {
    if (error instanceof MonocerosError && error.code === 'MON_LISTENER_IN_USE') scope.log.event('control.taken', { path })
    else scope.log.event('control.failed', { path, problem: problemOf(error) })
    return none
  }
}
