import { readFile } from 'node:fs/promises'

export interface AcceptQueue {
  readonly address: string
  /** Connections that no worker has accepted yet. */
  readonly waiting: number
}

const listenState = ' 0A '

/** Of TCP addresses, as the kernel tells on Linux; of others, and elsewhere, none. */
export async function acceptQueues(addresses: readonly string[]): Promise<AcceptQueue[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')))
  const byPort = new Map<string, number>()
  for (const line of tables.join('\n').split('\n')) {
    if (!line.includes(listenState)) continue
    const [, local = '', , , queues = ''] = line.trim().split(/\s+/)
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)
    byPort.set(String(port), Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16))
  }
  return addresses.flatMap((address) => {
    const waiting = byPort.get(/:(\d+)$/.exec(address)?.[1] ?? '')
    return waiting === undefined ? [] : [{ address, waiting }]
  })
}
