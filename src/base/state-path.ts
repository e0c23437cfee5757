/** The value of a chart's state as one word: `ready.steady`, `killing.autopsy`. */
export function statePath(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[name, inner] = ['', '']] = Object.entries(value)
  return inner === undefined ? name : `${name}.${statePath(inner)}`
}
