/** What the commands of the control socket come to. */
import { type Answer, answerRequest } from '../../control/answer.ts'
import type { ArbiterScope } from '../arbiter/arbiter-scope.ts'
import { lookHandlers } from './control-looks.ts'
import { orderHandlers } from './control-orders.ts'
import { showHandlers } from './control-shows.ts'

export function answerControl(scope: ArbiterScope, probeUrl: URL, request: unknown): Promise<Answer> {
  let command = ''
  return answerRequest(request, {
    handlers: {
      ...showHandlers(scope),
      ...lookHandlers(scope, probeUrl),
      ...orderHandlers(scope, (act) => scope.recorder.because(`control: ${command}`, act)),
    },
    onOrder(words) {
      command = words
      scope.log.event('control.order', { command })
    },
  })
}
