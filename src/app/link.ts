/** How far an import got: `linked` tells a failure to put the modules together from one in the code they ran. */
export type LinkAnswer =
  | { readonly ok: true; readonly namespace: Record<string, unknown> }
  | { readonly ok: false; readonly isLinked: boolean; readonly error: unknown }

const linkedKey = Symbol.for('monoceros.app.linked')

/**
 * Imports an ES module and tells whether anything of it ran. Node links a whole graph before it evaluates any of it, so a
 * module imported just before the app runs exactly when linking has succeeded.
 */
export async function importLinked(url: string): Promise<LinkAnswer> {
  let isLinked = false
  Object.defineProperty(globalThis, linkedKey, { configurable: true, value: () => (isLinked = true) })
  const tell = dataModule(`globalThis[Symbol.for(${JSON.stringify(linkedKey.description)})]() // ${Date.now()}`)
  const both = dataModule(`import ${JSON.stringify(tell)}; import * as app from ${JSON.stringify(url)}; export { app }`)
  try {
    const { app } = await import(both)
    return { ok: true, namespace: app }
  } catch (error) {
    if (process.versions.node.startsWith('20.')) await hearTwice(error)
    return { ok: false, isLinked, error }
  } finally {
    Reflect.deleteProperty(globalThis, linkedKey)
  }
}

/**
 * Node 20 rejects a second promise, which nobody can hear, with the same error when CommonJS throws that an ES module
 * imported. The process would end by it before anyone could say what happened.
 */
async function hearTwice(error: unknown): Promise<void> {
  const listen = (reason: unknown) => {
    const isUnheard = reason !== error && process.listenerCount('unhandledRejection') === 1
    if (isUnheard)
      setImmediate(() => {
        throw reason
      })
  }
  process.on('unhandledRejection', listen)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', listen)
}

function dataModule(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`
}
