// A dirty app that answers with a stream: a report on the text of every product.
import { DirtyApp } from 'monoceros/dirty'
import { openCatalog, wordsOf } from './catalog.js'

export class ReportApp extends DirtyApp {
  /** @type {{ product: import('./catalog.js').Product, words: Set<string> }[]} */
  #texts = []

  /** @override */
  async init() {
    const { products } = await openCatalog()
    this.#texts = products.map((product) => ({ product, words: new Set(wordsOf(`${product.name} ${product.text}`)) }))
  }

  /**
   * One line for each product: which other one has the text most like it. That is nine million comparisons in all, made as the
   * lines are read: a slow reader slows it down, and one who leaves ends it.
   */
  async *fullText() {
    const startedMs = performance.now()
    for (const one of this.#texts) {
      const { product, alike } = this.#closestTo(one)
      yield `${one.product.id}\t${one.product.name}\t${product.id}\t${product.name}\t${alike.toFixed(2)}\n`
    }
    yield `${this.#texts.length} products in ${Math.round(performance.now() - startedMs)} ms, by process ${process.pid}\n`
  }

  /** @param {{ product: import('./catalog.js').Product, words: Set<string> }} one */
  #closestTo(one) {
    let best = { product: one.product, alike: 0 }
    for (const other of this.#texts) {
      if (other === one) continue
      let common = 0
      for (const word of one.words) if (other.words.has(word)) common += 1
      const alike = common / (one.words.size + other.words.size - common)
      if (alike > best.alike) best = { product: other.product, alike }
    }
    return best
  }
}
