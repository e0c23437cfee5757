import { flag } from '../kinds/choice.ts'
import { octal } from '../kinds/number.ts'
import { path } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

export const controlRows = [
  {
    name: 'controlSocket',
    section: 'control',
    type: path,
    unit: null,
    default: null,
    cli: ['--control-socket'],
    gunicorn: 'control_socket',
    reload: 'restart',
    doc: 'Where monocerosctl finds the server. When left out: monoceros.ctl in $XDG_RUNTIME_DIR if that is a folder, else in ~/.monoceros.',
  },
  {
    name: 'controlSocketMode',
    section: 'control',
    type: octal,
    unit: null,
    default: 0o600,
    cli: ['--control-socket-mode'],
    gunicorn: 'control_socket_mode',
    reload: 'restart',
    doc: 'The file mode of the control socket, in octal: whoever may write to it may do everything.',
  },
  {
    name: 'controlSocketDisable',
    section: 'control',
    type: flag,
    unit: null,
    default: false,
    cli: ['--no-control-socket'],
    gunicorn: 'control_socket_disable',
    reload: 'restart',
    doc: 'Have no control socket.',
  },
] as const satisfies readonly ValueRow[]
