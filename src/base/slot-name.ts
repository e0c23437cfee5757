/** How a slot is told to people: those below 0 are of spares, which stand by in a dirty pool. */
export const slotName = (slot: number): string => (slot < 0 ? `spare ${-slot}` : `slot ${slot}`)

/** Spares come after all others, in the order of their numbers. */
export const slotRank = (slot: number): number => (slot < 0 ? 500_000 - slot : slot)
