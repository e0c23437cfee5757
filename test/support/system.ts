/** What the machine under the tests has. */
import { accessSync, constants } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'

/** Set where everything that tests want is installed: then what is missing fails its test instead of skipping it. */
const isStrict = process.env['MONOCEROS_TEST_STRICT'] === '1'

/** For `test.skipIf(lacksProgram('ss'))`. */
export function lacksProgram(name: string): boolean {
  return !isStrict && !(process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))
}

/** A machine without IPv6 has no `::1`; that is no missing program, and skips everywhere. */
export const lacksIpv6 = !Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

export function isNodeAtLeast(major: number, minor = 0): boolean {
  const [ourMajor = 0, ourMinor = 0] = process.versions.node.split('.').map(Number)
  return ourMajor > major || (ourMajor === major && ourMinor >= minor)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // not in this folder
  }
}
