/** Options of Node with a value of their own in the next argument. */
const withValue = /^(-e|--eval|-p|--print|-pe|-c|--check)$/
/** What belongs to the one program that was started, and not to those that it starts: a debugger's port, a script given in words, a watcher. */
const ofOneProgram = /^(--inspect|--debug|--watch|--test|--input-type|-i$|--interactive$|-e$|--eval|-p$|--print|-pe$|-c$|--check$)/

/** Node's own options for a child process: those of this one (loaders, memory limits, warnings) without what only one may have. */
export function childArguments(execArgv: readonly string[]): string[] {
  return execArgv.filter((argument, index) => !ofOneProgram.test(argument) && !withValue.test(execArgv[index - 1] ?? ''))
}
