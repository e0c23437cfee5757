/** Where the broker of a dirty pool listens, in the environment of whoever may call. */
export const socketVariable = 'MONOCEROS_DIRTY_SOCKET'

/** Its name in the folder of the pool. */
export const brokerSocket = 'dirty.sock'

/** Where the main thread of a dirty worker listens. */
export const workerSocket = (slot: number, pid: number) => `worker-${slot}-${pid}.sock`

/** Where a thread of it listens. */
export const threadSocket = (slot: number, pid: number, place: number) => `worker-${slot}-${pid}-${place}.sock`
