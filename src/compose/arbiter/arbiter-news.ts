/** What happens in a running server, told at once to whoever asked: the dashboard, and the program that embeds it. */

import type { ErrorData } from '../../base/errors.ts'
import type { Hearing } from '../../base/hearing.ts'
import type { ChildAutopsy } from '../../ipc/child-autopsy.ts'
import type { ChildEnd, ChildNews, ChildTold } from '../../ipc/child-news.ts'

/** What became of a reload: the generation that serves now, or why the one before it serves on. */
export type ReloadOutcome =
  /** `needsRestart`: settings that were changed and stay as they were, as only a start can change them; left out when there are none. */
  | { readonly ok: true; readonly generation: number; readonly needsRestart?: readonly string[] }
  | { readonly ok: false; readonly problem: string }

/** What a server tells of itself, by the name of the event. */
export interface NewsFacts {
  /** All workers of the start are ready. */
  readonly ready: { readonly workers: number; readonly addresses: readonly string[] }
  /** A worker is ready; or a dirty worker, or the dirty arbiter, as its role says. */
  readonly 'worker:ready': ChildNews
  /** One of them has ended, for whatever cause. */
  readonly 'worker:exit': ChildEnd
  /** What a stuck process or thread was doing. */
  readonly autopsy: ChildAutopsy
  readonly reload: ReloadOutcome
  /** A child cannot boot: why, in its own words. */
  readonly 'boot:failed': ErrorData
}

export type NewsName = keyof NewsFacts

export type News = Hearing<NewsFacts>

export function tellChild({ tell }: Pick<News, 'tell'>, told: ChildTold | null): void {
  if (told?.what === 'ready') tell('worker:ready', told.child)
  else if (told?.what === 'ended') tell('worker:exit', told.child)
}
