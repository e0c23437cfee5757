/**
 * What every example must do, wherever it is served: on plain Node, and in each worker class. The cases speak through
 * node:http and sockets, know no framework, and do not depend on each other.
 */
import { apiCases } from './contract/api.ts'
import { bodyCases } from './contract/bodies.ts'
import { streamCases } from './contract/streams.ts'
import type { Base } from './contract/talk.ts'
import { wireCases } from './contract/wire.ts'

/** What a server or a framework must offer for a case to make sense; see `lacks` in examples.ts. */
export type Need =
  | 'upload'
  | 'duplex' // the answer starts before the request has ended
  | 'sse'
  | 'abort' // the app learns that its client left
  | 'trailers'
  | 'keep-alive'
  | 'pipelining'
  | 'concurrency' // two requests wait at the same time
  | 'encoded-slash' // %2F in a path is part of a parameter

export interface ContractCase {
  readonly name: string
  readonly needs?: readonly Need[]
  run(base: Base): Promise<void>
}

const contract: readonly ContractCase[] = [...apiCases, ...bodyCases, ...streamCases, ...wireCases]

/** The cases left for an example, minus what the server under it lacks (`sync` has no keep-alive). */
export function casesWithout(lacks: readonly string[]): readonly ContractCase[] {
  return contract.filter((one) => !(one.needs ?? []).some((need) => lacks.includes(need)))
}
