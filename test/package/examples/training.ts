import { DirtyApp } from 'monoceros/dirty'

export class Training extends DirtyApp {
  async run(rounds: number, told: (percent: number) => void): Promise<void> {
    for (let round = 1; round <= rounds; round++) await told((100 * round) / rounds)
  }
}
