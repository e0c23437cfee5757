import { commandNames, formOf, rowOf } from '../command-table.ts'

const head = `Usage: monocerosctl [OPTIONS] [COMMAND ...]     (also: monoceros ctl ...)

Looks at a running server, and controls it, through its control socket. Without a command it is interactive.

Options:
  -s, --socket PATH    the control socket [default: monoceros.ctl in $XDG_RUNTIME_DIR, else in ~/.monoceros]
  -c, --command TEXT   the command as one text
  -j, --json           print the answer as JSON
  -h, --help           print this
  -v, --version        print the version

Examples:
  monocerosctl show workers
  monocerosctl reload --wait && echo deployed
  monocerosctl watch 2 show requests
  monocerosctl -j show stats
  monocerosctl show events --actor worker --follow

Commands:
`

const watchDoc = 'Run a show command again and again, every SECONDS (1), until it is interrupted.'

const tail = `
Exit codes: 0 done; 1 failed, and the message says what to do; 2 wrong command line.
`

/** The text of `monocerosctl --help`, made from the table of commands. */
export function ctlHelp(): string {
  const rows = commandNames.map((name) => [formOf(name), rowOf(name).doc] as const)
  const all = [...rows, ['watch [SECONDS] show ...', watchDoc] as const]
  return head + all.map(([form, doc]) => `  ${form}\n      ${doc}\n`).join('') + tail
}
