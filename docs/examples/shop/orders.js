import { randomUUID } from 'node:crypto'

const LINES_MAX = 50
const QUANTITY_MAX = 99

/**
 * Checks an order and numbers it. Orders are not kept: with several workers a list in memory would only ever be a part of them.
 *
 * @param {import('./catalog.js').Catalog} catalog
 * @param {any} body `{ customer: string, lines: [{ productId, quantity: 1..99 }] }`
 * @returns {{ ok: true, order: { id: string, customer: string, totalCents: number, lines: { productId: number, quantity: number }[] } }
 *   | { ok: false, problems: string[] }}
 */
export function placeOrder(catalog, body) {
  const problems = problemsOf(catalog, body)
  if (problems.length > 0) return { ok: false, problems }
  const lines = body.lines.map((/** @type {any} */ line) => ({ productId: Number(line.productId), quantity: line.quantity }))
  let totalCents = 0
  for (const { productId, quantity } of lines) totalCents += (catalog.find(productId)?.priceCents ?? 0) * quantity
  return { ok: true, order: { id: randomUUID(), customer: body.customer.trim(), totalCents, lines } }
}

/** @param {import('./catalog.js').Catalog} catalog @param {any} body */
function problemsOf(catalog, body) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return ['the body must be a JSON object']
  const problems = []
  if (typeof body.customer !== 'string' || body.customer.trim() === '') problems.push('customer must be a text')
  if (!Array.isArray(body.lines) || body.lines.length === 0) return [...problems, 'lines must be a list of at least one']
  if (body.lines.length > LINES_MAX) return [...problems, `lines must be at most ${LINES_MAX}`]
  for (const [index, line] of body.lines.entries()) {
    if (!catalog.find(line?.productId)) problems.push(`lines[${index}].productId is not a product`)
    const quantity = line?.quantity
    const isQuantity = Number.isInteger(quantity) && quantity >= 1 && quantity <= QUANTITY_MAX
    if (!isQuantity) problems.push(`lines[${index}].quantity must be 1 to ${QUANTITY_MAX}`)
  }
  return problems
}
