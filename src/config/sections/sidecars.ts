import * as v from 'valibot'
import type { Kind } from '../kinds/kind.ts'
import { readSidecars, readyWords, restarts, type Sidecar, type SidecarSetting, stopSignals } from '../kinds/sidecar.ts'
import type { ValueRow } from '../row.ts'

const sidecars: Kind<SidecarSetting[], readonly Sidecar[]> = {
  schema: v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const answer = readSidecars(dataset.value)
      if (answer.ok) return answer.sidecars
      addIssue({ message: answer.problem })
      return NEVER
    }),
  ),
  allowed: 'a list of { name, command, args, … } (docs/guide/sidecars.md)',
  placeholder: 'JSON',
  json: {
    type: 'array',
    items: {
      type: 'object',
      required: ['name', 'command'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', pattern: '^[a-z0-9-]{1,40}$' },
        command: { type: 'string', minLength: 1, description: 'Found on the PATH, or a path. It has to stay in the foreground.' },
        args: { type: 'array', items: { type: 'string' } },
        env: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
        cwd: { type: 'string', minLength: 1 },
        restart: { enum: restarts, default: 'always' },
        readyWhen: {
          default: 'started',
          description: readyWords,
          anyOf: [
            { const: 'started' },
            ...['line', 'listens', 'file'].map((field) => ({
              type: 'object',
              required: [field],
              additionalProperties: false,
              properties: { [field]: { type: 'string', minLength: 1 } },
            })),
          ],
        },
        bootTimeout: { type: 'number', exclusiveMinimum: 0, default: 30 },
        gracefulTimeout: { type: 'number', exclusiveMinimum: 0, default: 10 },
        stopSignal: { enum: stopSignals, default: 'SIGTERM' },
      },
    },
  },
}

export const sidecarRows = [
  {
    name: 'sidecars',
    section: 'sidecars',
    type: sidecars,
    unit: null,
    default: [],
    cli: null,
    gunicorn: null,
    reload: 'respawn',
    doc: 'Foreign commands that run beside the workers, from before the first one boots until the last one is gone; in the environment as JSON. docs/guide/sidecars.md tells all fields.',
  },
] as const satisfies readonly ValueRow[]
