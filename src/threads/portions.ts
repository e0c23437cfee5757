/** Bytes are told to have left in such portions, so that an answer of many small chunks does not cost a record for each. */
export const windowPortionBytes = 32 * 1024
