/** @param {unknown} text */
const escaped = (text) => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

/** @param {number} cents */
const price = (cents) => `${(cents / 100).toFixed(2)} €`

/** @param {string} title @param {string} body */
function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<header><a href="/">The Shop</a><form action="/" role="search"><input name="q" placeholder="Search" aria-label="Search"></form></header>
<main>
${body}
</main>
</body>
</html>
`
}

/** @param {import('./catalog.js').Product} product */
const card = (product) =>
  `<li><a href="/products/${product.id}">${escaped(product.name)}</a> <span>${escaped(product.category)}</span> <b>${price(product.priceCents)}</b></li>`

const toTry = [
  ['/api/products?page=2&perPage=5', 'the list as JSON'],
  ['/api/search?q=copper+ket', 'search, the last word as a beginning'],
  ['/api/categories/Caf%C3%A9%20%26%20Tea', 'one category'],
  ['/events?count=10', 'ten price ticks as server-sent events'],
  ['/slow?ms=1000', 'waits for a second'],
  ['/cpu?ms=1000', 'burns CPU for a second'],
  ['/stream?chunks=20&size=1000', 'a chunked answer with a trailer'],
  ['/headers', 'your request headers'],
  ['/basket', 'two cookies'],
  ['/pid', 'which worker answers'],
  ['/heavy', 'heavy work in processes of its own, and how fast this one stays meanwhile'],
  ['/report', 'a report that is streamed as it is made, if there are dirty apps'],
  ['/error', 'a handler that throws'],
  ['/crash', 'kills the worker that serves it'],
]

/** @param {{ page: number, pages: number, total: number, items: import('./catalog.js').Product[] }} list @param {{ pid: number }} who */
export function homePage(list, who) {
  const older = list.page > 1 ? `<a rel="prev" href="/?page=${list.page - 1}">Previous</a>` : ''
  const newer = list.page < list.pages ? `<a rel="next" href="/?page=${list.page + 1}">Next</a>` : ''
  const links = toTry.map(([href, what]) => `<li><a href="${escaped(href)}"><code>${escaped(href)}</code></a> ${escaped(what)}</li>`)
  return page(
    'The Shop',
    `<h1>${list.total} things, well made</h1>
<ul class="products">
${list.items.map(card).join('\n')}
</ul>
<nav>${older} <span>page ${list.page} of ${list.pages}</span> ${newer}</nav>
<section>
<h2>Try</h2>
<ul>
${links.join('\n')}
</ul>
<pre>curl -T photo.jpg localhost:8000/api/products/7/photo
curl localhost:8000/api/orders --json '{"customer":"Ada","lines":[{"productId":7,"quantity":2}]}'
curl --data-binary @app.js 'localhost:8000/highlight?name=app.js' -o app.html
curl localhost:8000/echo --data-binary @photo.jpg -o same.jpg</pre>
<p>Served by process ${who.pid}.</p>
</section>`,
  )
}

/** @param {{ q: string, total: number, items: import('./catalog.js').Product[] }} found */
export function searchPage(found) {
  const count = found.total === 1 ? '1 product' : `${found.total} products`
  return page(
    `Search: ${found.q}`,
    `<h1>${count} for “${escaped(found.q)}”</h1>\n<ul class="products">\n${found.items.map(card).join('\n')}\n</ul>`,
  )
}

/** @param {import('./catalog.js').Product} product */
export function productPage(product) {
  return page(
    product.name,
    `<h1>${escaped(product.name)}</h1>
<p>${escaped(product.text)}</p>
<p><b>${price(product.priceCents)}</b>, ${product.stock > 0 ? `${product.stock} in stock` : 'sold out'}.
In <a href="/api/categories/${encodeURIComponent(product.category)}">${escaped(product.category)}</a>.</p>`,
  )
}

/** `html` comes from the highlighter, which has escaped what it was given. @param {{ name: string, html: string, lines: number, tookMs: number, pid: number }} source */
export function sourcePage({ name, html, lines, tookMs, pid }) {
  return page(name, `<h1>${escaped(name)}</h1>\n<p>${lines} lines, highlighted in ${tookMs} ms by process ${pid}.</p>\n${html}`)
}

/** @param {number} status @param {string} sentence */
export function troublePage(status, sentence) {
  return page(String(status), `<h1>${status}</h1>\n<p>${escaped(sentence)}</p>\n<p><a href="/">Back to the shop</a></p>`)
}
