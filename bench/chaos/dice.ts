/** Chance that can be had again: mulberry32. */
export interface Dice {
  between(from: number, to: number): number
  one<T>(list: readonly T[]): T | undefined
}

export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  const roll = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    between: (from, to) => from + roll() * (to - from),
    one: (list) => list[Math.floor(roll() * list.length)],
  }
}
