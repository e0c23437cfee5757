/** What a source holds, before anyone judges it. A name can come twice: a module has exports and a default export. */
export type Entries = readonly (readonly [name: string, value: unknown])[]

export type EntriesAnswer = { readonly ok: true; readonly entries: Entries } | { readonly ok: false; readonly problem: string }

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `a list`, `null`, `a number`: what stands where an object of settings should. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
