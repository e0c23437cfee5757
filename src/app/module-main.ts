import { readFileSync } from 'node:fs'
import Module from 'node:module'

interface Hooks {
  registerHooks?(hooks: { load(url: string, context: unknown, next: (url: string, context: unknown) => Loaded): Loaded }): {
    deregister(): void
  }
}

interface Loaded {
  readonly format?: string
  readonly source?: string | Uint8Array | null
}

/**
 * Makes `import.meta.main` true in one ES module, where Node has that property (24.2 and later) and the file speaks of it:
 * Node sets it only in the file it was started with, which here is ours.
 *
 * @returns a function that ends it, to be called when the module has been imported
 */
export function markModuleMain(file: string, url: string): () => void {
  const hasMain = (import.meta as { main?: boolean }).main !== undefined
  const { registerHooks } = Module as unknown as Hooks
  if (!hasMain || registerHooks === undefined || !readFileSync(file, 'utf8').includes('import.meta.main')) return () => {}
  const hooks = registerHooks({
    load(loaded, context, next) {
      const result = next(loaded, context)
      return loaded === url && result.format?.startsWith('module') && result.source ? { ...result, source: marked(result.source) } : result
    },
  })
  return () => hooks.deregister()
}

/** On the first line, so that every line keeps its number; a `#!` line is made a comment. */
function marked(source: string | Uint8Array): string {
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source)
  return `import.meta.main = true; ${text.startsWith('#!') ? '//' : ''}${text}`
}
