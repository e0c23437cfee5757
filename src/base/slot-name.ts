/** How a slot is told to people: those below 0 are of spares, which stand by in a dirty pool. */
export const slotName = (slot: number): string => (slot < 0 ? `spare ${-slot}` : `slot ${slot}`)
