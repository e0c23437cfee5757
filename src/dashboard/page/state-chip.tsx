import { toneOf } from './tone.ts'

/** The name of a state with its colour. */
export function StateChip({ path, isShort = false }: { readonly path: string; readonly isShort?: boolean }) {
  const name = isShort ? path.split('.')[0] : path.replaceAll('.', ' › ')
  return <span class={`chip tone-${toneOf(path)}`}>{name}</span>
}
