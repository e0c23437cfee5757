// Writes products.json beside itself, the same bytes every time: node docs/examples/shop/data/make-products.mjs
import { writeFileSync } from 'node:fs'

const COUNT = 3_000

const categories = {
  Kitchen: ['Kettle', 'Ladle', 'Skillet', 'Teapot', 'Colander', 'Grater', 'Pepper Mill', 'Bread Bin'],
  'Café & Tea': ['Dripper', 'Espresso Cup', 'Tea Caddy', 'Milk Jug', 'Hand Grinder', 'Saucer'],
  'Bath / Body': ['Soap Dish', 'Bath Brush', 'Towel', 'Sponge', 'Linen Robe'],
  Garden: ['Trowel', 'Watering Can', 'Seed Tray', 'Pruner', 'Bird Table', 'Lantern'],
  Workshop: ['Mallet', 'Spokeshave', 'Vice', 'Chisel', 'Bench Hook', 'Marking Gauge'],
  Desk: ['Ink Well', 'Paper Knife', 'Letter Tray', 'Desk Lamp', 'Notebook', 'Pencil Box'],
  Bedroom: ['Quilt', 'Pillow', 'Night Light', 'Alarm Clock', 'Blanket Chest'],
  Outdoor: ['Rucksack', 'Tin Mug', 'Compass', 'Hammock', 'Storm Stove', 'Rain Cape'],
}
const makers = ['Velmora', 'Öskar', 'Tannbrook', 'Núria', 'Hesselby', 'Quillon', 'Žarna', 'Mirrow', 'Dovetree', 'Ågren', 'Pellworth', 'Sōmei']
const looks = ['Quiet', 'Copper', 'Folding', 'Striped', 'Slate', 'Twice-Fired', 'Walnut', 'Moss', 'Enamel', 'Little', 'Grand', 'Plain', 'Indigo']
const praise = ['made to be mended', 'heavier than it looks', 'best used daily', 'kind to small hands', 'finished by ear', 'slow to wear out']
const origins = ['a river mill', 'a converted chapel', 'an island workshop', 'a family forge', 'the old dye house', 'a shed by the line']

/** Mulberry32: a small generator of numbers in [0, 1), fully decided by its seed. */
function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomFrom(2_718)
const pick = (list) => list[Math.floor(random() * list.length)]

function makeProduct(id) {
  const category = pick(Object.keys(categories))
  const name = `${pick(makers)} ${pick(looks)} ${pick(categories[category])}`
  const priceCents = 250 + Math.floor(random() ** 2 * 400) * 50
  return { id, name, category, priceCents, stock: Math.floor(random() * 90), text: `From ${pick(origins)}, ${pick(praise)}.` }
}

const products = Array.from({ length: COUNT }, (_, index) => makeProduct(index + 1))
const lines = products.map((product) => JSON.stringify(product))
writeFileSync(new URL('products.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`)
