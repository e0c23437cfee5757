/** The dirty app of the benchmarks: it hands back what it was given, counts, and burns. */
import { burn } from '../head-of-line/burn.js'

export class BenchApp {
  /** @param {unknown} value */
  echo(value) {
    return value
  }

  /** @param {number} count */
  async *count(count) {
    for (let n = 0; n < count; n++) yield n
  }

  /** @param {number} turns */
  burn(turns) {
    return burn(turns)
  }
}
