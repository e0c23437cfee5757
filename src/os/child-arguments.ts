/** What belongs to the one program that was started, and not to those that it starts: a debugger's port, a script given in words, a watcher, a test run. */
const ofOneProgram =
  /^(--inspect|--debug|--watch|--test|--experimental-test|--input-type|--eval|--print|--check|--interactive|-(e|p|pe|c|i)$)/
/** Of these, the ones that stand alone; all others have a value: after a `=`, or as the next word. */
const flags =
  /^(--inspect(-brk|-wait)?|--debug(-brk)?|--watch(-preserve-output)?|--test(-only|-force-exit|-update-snapshots)?|--(experimental-)?test-(coverage|module-mocks|randomize)|--check|--interactive|-c|-i)(=|$)/

/** Node's own options for a child process: those of this one (loaders, memory limits, warnings) without what only one may have. */
export function childArguments(execArgv: readonly string[]): string[] {
  const isLeft = (argument: string) => ofOneProgram.test(argument)
  const takesNext = (argument = '') => isLeft(argument) && !flags.test(argument) && !argument.includes('=')
  return execArgv.filter((argument, index) => !isLeft(argument) && !takesNext(execArgv[index - 1]))
}
