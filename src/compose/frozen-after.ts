import type { Settings } from '../config/settings.ts'

/** A watchdog beats twice a second: this much on top of `timeout` tells a late beat from none. */
const beatSlackMs = 2_000

/** How long the beats of a child may be missing before its process is held to be frozen; 0 = for ever. */
export const frozenAfterMs = ({ timeout }: Settings): number => (timeout === 0 ? 0 : timeout * 1_000 + beatSlackMs)
