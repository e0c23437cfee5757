// A router of one screen, for the examples whose runtime has none: node:http, fetch and bare Koa.

/** @template Handler */
export class Routes {
  /** @type {{ method: string, pattern: RegExp, handler: Handler }[]} */
  #routes = []

  /** @param {string} path with `:names` @param {Handler} handler */
  get(path, handler) {
    return this.#add('GET', path, handler)
  }

  /** @param {string} path @param {Handler} handler */
  post(path, handler) {
    return this.#add('POST', path, handler)
  }

  /** @param {string} path @param {Handler} handler */
  put(path, handler) {
    return this.#add('PUT', path, handler)
  }

  /**
   * The handler for a request with its decoded parameters. HEAD is answered by the GET route: the server drops the body.
   *
   * @param {string | undefined} method
   * @param {string} pathname as it came, still percent-encoded
   * @returns {{ handler: Handler, params: Record<string, string> } | undefined}
   */
  match(method, pathname) {
    const wanted = method === 'HEAD' ? 'GET' : method
    for (const route of this.#routes) {
      const found = route.method === wanted && route.pattern.exec(pathname)
      if (found) return { handler: route.handler, params: decoded(found.groups ?? {}) }
    }
    return undefined
  }

  /** @param {string} method @param {string} path @param {Handler} handler */
  #add(method, path, handler) {
    const pattern = new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    this.#routes.push({ method, pattern, handler })
    return this
  }
}

/** @param {Record<string, string>} groups */
function decoded(groups) {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch (cause) {
    throw Object.assign(new Error('the path is not well encoded', { cause }), { status: 400 })
  }
}
