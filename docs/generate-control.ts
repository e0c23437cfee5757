import { type CommandName, commandNames, formOf, rowOf } from '../src/control/command-table.ts'

export function controlPage(): string {
  return `# Control commands

What a running server answers on its control socket, to [monocerosctl](../guide/control.md) and to any other program.

${commandNames.map(part).join('\n\n')}

## The protocol

It is Gunicorn's, so that its \`gunicornc -s PATH\` can be used too. A message is four bytes of length, the highest first, and
so many bytes of JSON. A request is \`{"id": 1, "command": "worker add", "args": ["2"]}\`: the command is split into words as a
shell does, and the arguments follow it, so that \`{"id": 1, "command": "worker add 2"}\` means the same. The answer has the
same \`id\`: \`{"id": 1, "status": "ok", "data": {...}}\` or \`{"id": 1, "status": "error", "error": "...", "code": "...", "advice":
"..."}\`. An error begins with \`Invalid argument:\` when the words are wrong, and with \`Command failed:\` when they cannot be
done; [errors](errors.md) lists the codes. Requests of one connection are answered one after the other. A frame that is not JSON,
or longer than 1 MiB, ends its connection, and so do five minutes without a request.
`
}

function part(name: CommandName): string {
  const { doc, options, isOfGunicorn } = rowOf(name)
  const origin = isOfGunicorn ? '' : ' (Not in Gunicorn.)'
  const list = options.map((option) => `- \`${option.flag}\`: ${option.doc}`)
  return [`## \`${formOf(name)}\``, `${doc}${origin}`, ...(list.length === 0 ? [] : [list.join('\n')])].join('\n\n')
}
