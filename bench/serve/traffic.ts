/** Requests per second of services that run side by side and are loaded one after the other. */
import type { Arm, Service } from './arms.ts'
import { cpuNsOf } from './processes.ts'
import type { Measured, Round } from './rounds.ts'
import { measureSideBySide } from './side-by-side.ts'
import { type LoadOrder, load } from './wrk.ts'

export interface TrafficOptions {
  readonly title: string
  readonly rounds: number
  readonly seconds: number
  readonly arms: readonly Arm[]
  readonly app: string
  readonly workers: number
  readonly path: string
  readonly isFresh: boolean
  readonly onVoid: (problems: readonly string[]) => void
}

const connections = 64
const warmUpSeconds = 2

export function measureTraffic(options: TrafficOptions): Promise<Round[]> {
  const loadOf = ({ port }: Service, seconds: number): LoadOrder => ({ ...options, port, seconds, connections })
  return measureSideBySide({
    ...options,
    order: { app: options.app, workers: options.workers },
    warmUp: (service) => load(loadOf(service, warmUpSeconds)),
    measure: (service) => measureOnce(service, loadOf(service, options.seconds)),
  })
}

async function measureOnce(service: Service, order: LoadOrder): Promise<Measured> {
  const cpuNsBefore = cpuNsOf(service.pids())
  const { requests, requestsPerS, problems } = await load(order)
  const cpuNs = cpuNsOf(service.pids()) - cpuNsBefore
  // What one request costs all processes of an arm stays put when others use the machine.
  return { figures: { requestsPerS, cpuUsPerRequest: cpuNs / 1_000 / requests }, problems }
}
