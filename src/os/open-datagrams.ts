import type { Remote } from '../base/remote.ts'
import { type Datagrams, type OnDatagramProblem, udpDatagrams } from './datagrams.ts'
import { unixDatagrams } from './unix-datagrams.ts'

/** Null where there is no way to send datagrams to a Unix socket. */
export function openDatagrams(remote: Remote, onProblem: OnDatagramProblem): Datagrams | null {
  return remote.kind === 'unix' ? unixDatagrams(remote.path) : udpDatagrams(remote.host, remote.port, onProblem)
}
