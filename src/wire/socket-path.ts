/** Where the broker of a dirty pool listens, in the environment of whoever may call. */
export const socketVariable = 'MONOCEROS_DIRTY_SOCKET'

/** Its name in the folder of the pool. */
export const brokerSocket = 'dirty.sock'

/** Where the main thread of a dirty worker listens. */
export const workerSocket = (slot: number, pid: number) => `worker-${slot}-${pid}.sock`

/** Where a thread of it listens. */
export const threadSocket = (slot: number, pid: number, place: number) => `worker-${slot}-${pid}-${place}.sock`

/** The process that listens, or has listened, at a socket of one of these names. */
export function workerOfSocket(file: string): number | null {
  const pid = /^worker--?\d+-(\d+)(?:-\d+)?\.sock$/.exec(file)?.[1]
  return pid === undefined ? null : Number(pid)
}
