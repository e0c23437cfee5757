#!/usr/bin/env node
/**
 * Who starts me: a person or a program, as `monocerosctl`.
 * I expect: the command line; a control socket.
 * I own: nothing but my connection and the history of what was typed.
 * I end: when my command is answered, or the person leaves; nobody waits for me.
 * Exit codes: 0 done · 1 failed · 2 wrong command line.
 */
import { runCtl } from '../control/client/ctl.ts'

process.exit(await runCtl(process.argv.slice(2)))
