/** Where the broker of a dirty pool listens, in the environment of whoever may call. */
export const socketVariable = 'MONOCEROS_DIRTY_SOCKET'

/** Its name in the folder of the pool. */
export const brokerSocket = 'dirty.sock'
