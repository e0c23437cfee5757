import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

const again = { times: 20, ms: 150 }

/**
 * Lets others go first where processors are scarce: this process, and the threads that it starts from now on. Linux shares the
 * processors out among sessions before it looks at nice values (`sched_autogroup`), and a child that leads a session of its
 * own would be nice to nobody but itself: there the session stands back as well.
 *
 * @param nice from 0, which changes nothing, to 19
 */
export function standBack(nice: number): void {
  if (nice === 0) return
  setPriority(nice)
  if (leadsSession()) standBackAsSession(nice, again.times)
}

function standBackAsSession(nice: number, times: number): void {
  try {
    writeFileSync('/proc/self/autogroup', String(nice))
  } catch (error) {
    // Without privileges the kernel takes one such order in 100 ms from the whole machine. Any other answer is of a kernel without it.
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || times === 0) return
    setTimeout(() => standBackAsSession(nice, times - 1), again.ms).unref()
  }
}

/** One that shares its session would lower others with it. */
function leadsSession(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(session) === process.pid
  } catch {
    return false // no /proc: no autogroups either
  }
}
