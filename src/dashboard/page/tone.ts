/** The colour of a state says what its name says: it never stands alone. */
export type Tone = 'boot' | 'good' | 'busy' | 'leave' | 'kill' | 'end' | 'calm'

const tones: Readonly<Record<string, Tone>> = {
  booting: 'boot',
  opening: 'boot',
  binding: 'boot',
  starting: 'boot',
  waiting: 'busy',
  ready: 'good',
  open: 'good',
  bound: 'good',
  committed: 'good',
  reloading: 'busy',
  saturated: 'busy',
  draining: 'leave',
  leaving: 'leave',
  closing: 'leave',
  killing: 'kill',
  failed: 'kill',
  rolledBack: 'kill',
  condemned: 'kill',
  gone: 'end',
  closed: 'end',
  stopped: 'end',
}

/** The innermost part of the path that has one counts. */
export function toneOf(path: string): Tone {
  for (const part of path.split('.').reverse()) {
    const tone = tones[part]
    if (tone !== undefined) return tone
  }
  return 'calm'
}
