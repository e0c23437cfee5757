/** Sets what `ps` shows. The kernel keeps it within the room of the first argv, so children are started with padding. */
export function setTitle(title: string): void {
  process.title = title
}

/** An argument that only makes room for a longer title. */
export const titleRoom = `--${'_'.repeat(80)}`
