/** Nothing is carried along that nobody uses: no file, no export, no dependency. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../support/harness.ts'

test('knip finds nothing unused, and nothing used that is not declared', async () => {
  const args = [join(root, 'node_modules/knip/bin/knip.js'), '-c', '.config/knip.json', '--no-progress', '--treat-config-hints-as-errors']
  const told = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: root, env: { ...process.env, NO_COLOR: '1', CI: '1' } }, (error, stdout, stderr) =>
      resolve(error === null ? '' : stdout + stderr),
    )
  })
  expect(told).toBe('')
})
