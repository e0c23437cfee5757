/** The words that may stand where an app stands, and what they do. */
export const subCommands = {
  ctl: 'Look at a running server, and control it: the same as monocerosctl.',
  replay: 'Tell what a flight recorder has kept.',
  statechart: 'Print the charts of a life, with states lit if wanted.',
  completion: 'Print the completion script of a shell.',
  help: 'Print the help.',
  version: 'Print the version.',
} as const
