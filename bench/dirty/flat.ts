/** What the dirty arbiter holds while payload passes by it. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { pssKibOf } from '../serve/processes.ts'
import type { RunningArm } from './arms.ts'

const mib = 2 ** 20
const bufferBytes = 16 * mib
const settleMs = 1_500

export interface Flatness {
  readonly payloadGib: number
  readonly beforeMib: number
  readonly maxMib: number
  readonly afterMib: number
}

/** Payload counts in both directions. */
export async function measureFlatness(arm: RunningArm, payloadGib: number): Promise<Flatness> {
  const pid = arm.pids().find((one) => readFileSync(`/proc/${one}/cmdline`, 'utf8').includes('dirty-arbiter'))
  if (pid === undefined) throw new Error('there is no dirty arbiter')
  const mibOf = () => pssKibOf(pid) / 1_024
  const send = async (times: number) => {
    const { problems } = await arm.run({ type: 'buffer', bytes: bufferBytes, times })
    if (problems.length > 0) throw new Error(problems.join('; '))
  }
  await send(4)
  await pause(settleMs)
  const beforeMib = mibOf()
  let maxMib = beforeMib
  const timer = setInterval(() => {
    maxMib = Math.max(maxMib, mibOf())
  }, 100)
  try {
    for (let left = Math.ceil((payloadGib * 1_024 * mib) / (2 * bufferBytes)); left > 0; left -= 16) await send(Math.min(16, left))
  } finally {
    clearInterval(timer)
  }
  await pause(settleMs)
  return { payloadGib, beforeMib, maxMib, afterMib: mibOf() }
}
