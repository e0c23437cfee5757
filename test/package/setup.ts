/** Runs once before the tests of the package: packs it, and installs it for a package of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { install, type Packed, pack } from '../support/installed.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly packed: Packed
    /** A folder with a package.json, in whose node_modules monoceros and its dependencies are, and nothing else. */
    readonly consumer: string
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'monoceros-package-'))
  const consumer = join(folder, 'consumer')
  mkdirSync(consumer)
  const packed = pack(folder)
  install(packed.path, consumer)
  project.provide('packed', packed)
  project.provide('consumer', consumer)
  return () => rmSync(folder, { recursive: true, force: true })
}
