import type { Autopsy } from './messages.ts'

export const whereWords = {
  javascript: 'in JavaScript',
  native: 'in native code',
  idle: 'its loop turns and waits',
  frozen: 'frozen',
} as const satisfies Record<Autopsy['where'], string>

/** An autopsy as it stands in the log. */
export function autopsyFacts(autopsy: Autopsy) {
  return { ...autopsy, where: whereWords[autopsy.where] }
}
