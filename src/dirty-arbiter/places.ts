/** Threads of dirty workers, numbered for the whole pool: the broker gives leases of them. */
const perWorker = 2 ** 20

export const placeOf = (age: number, placeInWorker: number) => age * perWorker + placeInWorker
export const workerOf = (place: number) => Math.floor(place / perWorker)
export const inWorker = (place: number) => place % perWorker
