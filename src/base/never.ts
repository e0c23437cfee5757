/** Marks a place that no variant can reach; the compiler checks it, and at run time it is a bug with a name. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
