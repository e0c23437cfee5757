import { parseAddress } from '../../base/address.ts'
import { flag } from '../kinds/choice.ts'
import { whole } from '../kinds/number.ts'
import { list } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

const addresses = list({
  shape: /^[^\0]+$/,
  problem: 'an address is empty',
  allowed: 'addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N',
  placeholder: 'ADDRESS',
})

export const serverSocketRows = [
  {
    name: 'bind',
    section: 'server socket',
    type: addresses,
    unit: null,
    default: ['127.0.0.1:8000'],
    defaultFrom: {
      env: 'PORT',
      shape: /^(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/,
      problem: 'not a port',
      allowed: 'a port from 0 to 65535',
      read: (port) => [`0.0.0.0:${port}`],
    },
    cli: ['-b', '--bind'],
    gunicorn: 'bind',
    check: addressesProblem,
    reload: 'respawn',
    doc: 'Where to listen: HOST:PORT, [V6]:PORT, unix:PATH or fd://N; repeatable. With PORT set the default is 0.0.0.0:$PORT. Left out, a program that calls listen() itself decides.',
  },
  {
    name: 'backlog',
    section: 'server socket',
    type: whole(1, 2_147_483_647),
    unit: 'connections',
    default: 2048,
    cli: ['--backlog'],
    gunicorn: 'backlog',
    reload: 'respawn',
    doc: 'How many connections may wait in the kernel to be accepted. The kernel caps it (net.core.somaxconn).',
  },
  {
    name: 'reusePort',
    section: 'server socket',
    type: flag,
    unit: null,
    default: false,
    cli: ['--reuse-port'],
    gunicorn: 'reuse_port',
    reload: 'restart',
    doc: 'Give each worker a socket of its own (SO_REUSEPORT). It loses the connections queued at a worker that dies; the shared socket loses none.',
  },
] as const satisfies readonly ValueRow[]

function addressesProblem(addresses: readonly string[]): string | null {
  if (addresses.length === 0) return 'the list is empty'
  for (const address of addresses) {
    const answer = parseAddress(address)
    if (!answer.ok) return addresses.length === 1 ? answer.problem : `${address}: ${answer.problem}`
  }
  return null
}
