import { plainEvent } from './sentences.ts'

/** What is read of a state: its path, and the work that is under way while it lasts. */
interface Source {
  readonly invoke: readonly { readonly src: unknown }[]
}

/**
 * The name under which a step is recorded and an arrow is drawn, of the event that a chart names for it:
 * `child.ready`, `after bootTimeout`, `loadConfig done`, `always` for what needs no event.
 */
export function eventLabel(event: string, source: Source): string {
  if (event === '') return 'always'
  const after = /^xstate\.after\.([^.]+)\./.exec(event)?.[1]
  if (after !== undefined) return `after ${after}`
  const [, how, nth] = /^xstate\.(done|error)\.actor\.(\d+)\./.exec(event) ?? []
  if (how !== undefined) {
    const work = source.invoke[Number(nth)]?.src
    return `${typeof work === 'string' ? work : 'work'} ${how === 'done' ? 'done' : 'failed'}`
  }
  return plainEvent(event) ?? event
}
