/** Node has `listen({ reusePort })` since these versions; an older one ignores it without a word. */
const since = [
  [22, 12],
  [23, 1],
] as const

/** Kernels that spread connections over the sockets of a port; others hand all of them to one (and Node refuses). */
const platforms: readonly NodeJS.Platform[] = ['linux', 'freebsd']

/** Why a socket of its own for each worker cannot be had here, or null. */
export function reusePortProblem(version = process.versions.node, platform = process.platform): string | null {
  if (!platforms.includes(platform)) return `the kernel of ${platform} does not spread connections over several sockets`
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const hasIt = major > 23 || since.some(([withMajor, fromMinor]) => major === withMajor && minor >= fromMinor)
  return hasIt ? null : `Node ${version} cannot listen that way; 22.12 and 23.1 are the first that can`
}
