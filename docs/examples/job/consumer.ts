/**
 * A consumer that needs no server: it works through a folder. Each file of `inbox` is counted, and goes to `done` beside what
 * was counted, or to `failed`. Several workers share the folder, and no file is counted twice or left behind.
 *
 *     npx monoceros docs/examples/job/consumer.ts -k job -w 2
 *     cp README.md docs/guide/*.md /tmp/monoceros-office/inbox/
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Job, JobContext } from 'monoceros'

const office = process.env['OFFICE'] ?? join(tmpdir(), 'monoceros-office')
const folderOf = (name: string) => join(office, name)
const atOnce = 4
const lookMs = 200

export default (async ({ beat, logger, ready, signal, slot, track }) => {
  for (const name of ['inbox', 'desk', 'done', 'failed']) await mkdir(folderOf(name), { recursive: true })
  ready()
  logger.info({ office }, 'counting what comes')

  const underWay = new Set<Promise<void>>()
  while (!signal.aborted) {
    // Each turn: if the file system does not answer for `timeout` seconds, this worker is shown, killed and replaced.
    beat()
    // One of them is enough to look after what the dead have left.
    if (slot === 0) await putBack(logger)
    for (const name of await readdir(folderOf('inbox'))) {
      if (signal.aborted || underWay.size >= atOnce) break
      if (!(await take(name))) continue
      const job = track(count(name, logger), `count ${name}`)
      underWay.add(job)
      void job.finally(() => underWay.delete(job))
    }
    if (underWay.size >= atOnce) await Promise.race(underWay)
    else await pause(lookMs, undefined, { signal }).catch(() => undefined)
  }
  // What is under way is tracked: it is finished before this worker ends.
}) satisfies Job

const onDesk = (name: string) => join(folderOf('desk'), `${process.pid}.${name}`)

/** A file has one name at a time, so that of several workers one gets it. */
async function take(name: string): Promise<boolean> {
  return rename(join(folderOf('inbox'), name), onDesk(name)).then(
    () => true,
    () => false,
  )
}

async function count(name: string, logger: JobContext['logger']): Promise<void> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(onDesk(name)))
    const words = text.split(/\s+/).filter((word) => word !== '').length
    await pause(Number(process.env['COUNT_MS'] ?? 50)) // as if it were work
    await writeFile(join(folderOf('done'), `${name}.json`), JSON.stringify({ words, countedBy: process.pid }))
    await rename(onDesk(name), join(folderOf('done'), name))
    logger.info({ name, words }, 'counted')
  } catch (error) {
    logger.error(error, `cannot count ${name}`)
    await rename(onDesk(name), join(folderOf('failed'), name))
  }
}

/** What lies on the desk of a process that is gone, killed perhaps, is begun again. */
async function putBack(logger: JobContext['logger']): Promise<void> {
  for (const entry of await readdir(folderOf('desk'))) {
    const [, pid = '', name = ''] = /^(\d+)\.(.+)$/.exec(entry) ?? []
    if (pid === '' || isAlive(Number(pid))) continue
    await rename(join(folderOf('desk'), entry), join(folderOf('inbox'), name))
    logger.warn({ name, pid: Number(pid) }, 'its worker is gone: begun again')
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
