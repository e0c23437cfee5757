/** The example apps, and what each cannot do on any server. */
export interface Example {
  readonly name: string
  /** The app as `monoceros` is given it, relative to the top of the repository. */
  readonly spec: string
  readonly style: 'exported' | 'listens'
  /** Needs of the contract (contract.ts) that it cannot meet; the reasons are in `lackReasons`. */
  readonly lacks: readonly string[]
}

export const lackReasons: Readonly<Record<string, string>> = {
  trailers: 'a web Response has no trailers',
  'encoded-slash': 'h3 leaves %2F encoded in a decoded parameter, so that it cannot be taken for a separator',
}

const webStandard = ['trailers']

export const examples: readonly Example[] = [
  { name: 'shop', spec: 'docs/examples/shop/app.js', style: 'exported', lacks: [] },
  { name: 'fastify', spec: 'docs/examples/fastify/app.js', style: 'exported', lacks: [] },
  { name: 'hono', spec: 'docs/examples/hono/app.js', style: 'exported', lacks: webStandard },
  { name: 'koa', spec: 'docs/examples/koa/app.js', style: 'exported', lacks: [] },
  { name: 'nest', spec: 'docs/examples/nest/app.ts:createApp()', style: 'exported', lacks: [] },
  { name: 'node-http', spec: 'docs/examples/node-http/app.js', style: 'exported', lacks: [] },
  { name: 'http-server', spec: 'docs/examples/http-server/app.js', style: 'exported', lacks: [] },
  { name: 'fetch', spec: 'docs/examples/fetch/app.js', style: 'exported', lacks: webStandard },
  { name: 'h3', spec: 'docs/examples/h3/app.js', style: 'exported', lacks: [...webStandard, 'encoded-slash'] },
  { name: 'listen-esm', spec: 'docs/examples/listen-esm/server.mjs', style: 'listens', lacks: [] },
  { name: 'listen-cjs', spec: 'docs/examples/listen-cjs/server.cjs', style: 'listens', lacks: [] },
  { name: 'listen-ts', spec: 'docs/examples/listen-ts/server.ts', style: 'listens', lacks: [] },
]
