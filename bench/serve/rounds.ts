/** Rounds in which every arm is measured once; one in which something went wrong is void, and repeated. */

/** Named figures, each with its unit in the name. */
export type Figures = Readonly<Record<string, number>>

/** What was measured in a round, by arm. */
export type Round = Readonly<Record<string, Figures>>

export interface Measured {
  readonly figures: Figures
  /** What makes them worthless: a wrong answer, a worker that was restarted. */
  readonly problems: readonly string[]
}

export interface RoundsOptions<A extends { readonly name: string }> {
  readonly title: string
  readonly rounds: number
  readonly arms: readonly A[]
  measure(arm: A): Promise<Measured>
  onVoid(problems: readonly string[]): void
}

const voidsMax = 10

/** Forwards in one round and backwards in the next, so that no arm always follows the same other. */
export async function takeRounds<A extends { readonly name: string }>(options: RoundsOptions<A>): Promise<Round[]> {
  const rounds: Round[] = []
  let voids = 0
  while (rounds.length < options.rounds) {
    const arms = rounds.length % 2 === 0 ? options.arms : options.arms.toReversed()
    const round: Record<string, Figures> = {}
    const problems: string[] = []
    for (const arm of arms) {
      const measured = await options.measure(arm)
      round[arm.name] = measured.figures
      problems.push(...measured.problems.map((problem) => `${options.title}, ${arm.name}: ${problem}`))
    }
    if (problems.length === 0) rounds.push(round)
    else {
      options.onVoid(problems)
      voids++
      if (voids > voidsMax) throw new Error(`more than ${voidsMax} void rounds`)
    }
  }
  return rounds
}
