/** What fragments of docstrings may name without having it declared: everything here is in the reader's own program. */
import type { JobContext } from 'monoceros'

declare global {
  const ctx: JobContext
  const job: { readonly id: string; readonly data: Uint8Array }
  const resize: (job: { readonly data: Uint8Array }) => Promise<Uint8Array>
  const consume: (queue: unknown, options: { readonly signal: AbortSignal }) => Promise<void>
  const queue: unknown
}
