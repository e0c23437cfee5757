// The products and how to find them. Nothing here knows of HTTP: every example imports it.
import { readFile } from 'node:fs/promises'

/**
 * @typedef {{ id: number, name: string, category: string, priceCents: number, stock: number, text: string }} Product
 * @typedef {{ page?: unknown, perPage?: unknown }} PageQuery raw query values; anything unusable means the default
 */

const PER_PAGE = 20
const PER_PAGE_MAX = 100
const HITS_MAX = 50

/** Reads the data set (~3,000 products) and builds the search index: a few tens of milliseconds, once per process. */
export async function openCatalog() {
  const text = await readFile(new URL('data/products.json', import.meta.url), 'utf8')
  return new Catalog(JSON.parse(text))
}

export class Catalog {
  /** @type {Map<number, Product>} */
  #byId = new Map()
  /** @type {Map<string, Product[]>} */
  #byCategory = new Map()
  /** @type {Map<string, Set<Product>>} */
  #byWord = new Map()

  /** @param {Product[]} products */
  constructor(products) {
    this.products = products
    for (const product of products) {
      this.#byId.set(product.id, product)
      bucket(this.#byCategory, product.category, () => /** @type {Product[]} */ ([])).push(product)
      for (const word of wordsOf(`${product.name} ${product.category} ${product.text}`)) {
        bucket(this.#byWord, word, () => new Set()).add(product)
      }
    }
  }

  get categories() {
    return [...this.#byCategory.keys()].sort()
  }

  /** One page of the list; a page behind the last one is empty. @param {PageQuery} query */
  list(query = {}) {
    const perPage = Math.min(wholeNumber(query.perPage, PER_PAGE), PER_PAGE_MAX)
    const page = wholeNumber(query.page, 1)
    const total = this.products.length
    const start = (page - 1) * perPage
    return { page, perPage, pages: Math.ceil(total / perPage), total, items: this.products.slice(start, start + perPage) }
  }

  /** @param {unknown} id a number or its decimal text */
  find(id) {
    return /^[1-9]\d{0,8}$/.test(String(id)) ? this.#byId.get(Number(id)) : undefined
  }

  /** @param {string} category */
  inCategory(category) {
    const items = this.#byCategory.get(category)
    return items && { category, total: items.length, items: items.slice(0, HITS_MAX) }
  }

  /** Products that contain every word of the query, the last word as a beginning. Case and accents do not matter. @param {unknown} query */
  search(query) {
    const q = typeof query === 'string' ? query : ''
    const words = wordsOf(q)
    const beginning = words.pop()
    if (beginning === undefined) return { q, total: 0, items: [] }
    const matching = words.map((word) => this.#byWord.get(word) ?? new Set())
    matching.push(this.#startingWith(beginning))
    const items = this.products.filter((product) => matching.every((found) => found.has(product)))
    return { q, total: items.length, items: items.slice(0, HITS_MAX) }
  }

  /** @param {string} beginning */
  #startingWith(beginning) {
    /** @type {Set<Product>} */
    const found = new Set()
    for (const [word, products] of this.#byWord) {
      if (word.startsWith(beginning)) for (const product of products) found.add(product)
    }
    return found
  }
}

/** @param {unknown} value @param {number} fallback */
export function wholeNumber(value, fallback) {
  return /^[1-9]\d{0,8}$/.test(String(value)) ? Number(value) : fallback
}

/** @param {string} text */
export function wordsOf(text) {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.match(/[\p{L}\p{N}]+/gu) ?? []
}

/** @template K, V @param {Map<K, V>} map @param {K} key @param {() => V} make @returns {V} */
function bucket(map, key, make) {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
