/** Requests per second of services that run side by side and are loaded one after the other. */
import type { Arm, Order, Service } from './arms.ts'
import { cpuNsOf } from './processes.ts'
import { type Measured, type Round, takeRounds } from './rounds.ts'
import { type LoadOrder, load } from './wrk.ts'

export interface TrafficOptions {
  readonly title: string
  readonly rounds: number
  readonly seconds: number
  readonly arms: readonly Arm[]
  readonly app: string
  readonly path: string
  readonly isFresh: boolean
  readonly onVoid: (problems: readonly string[]) => void
}

interface Running {
  readonly name: string
  readonly service: Service
}

const connections = 64
const workers = 2
const warmUpSeconds = 2

export async function measureTraffic(options: TrafficOptions): Promise<Round[]> {
  const running: Running[] = []
  const order: Order = { app: options.app, workers }
  const loadOf = ({ port }: Service, seconds: number): LoadOrder => ({ ...options, port, seconds, connections })
  try {
    for (const arm of options.arms) running.push({ name: arm.name, service: await arm.start(order) })
    await expectSameAnswer(running, options.path)
    for (const { service } of running) await load(loadOf(service, warmUpSeconds))
    const measure = ({ service }: Running) => measureOnce(service, loadOf(service, options.seconds))
    const rounds = await takeRounds({ ...options, arms: running, measure })
    await expectSameAnswer(running, options.path)
    return rounds
  } finally {
    for (const { service } of running) await service.stop()
  }
}

async function measureOnce(service: Service, order: LoadOrder): Promise<Measured> {
  const workersBefore = service.workers().toSorted().join()
  const cpuNsBefore = cpuNsOf(service.pids())
  const { requests, requestsPerS, problems } = await load(order)
  const cpuNs = cpuNsOf(service.pids()) - cpuNsBefore
  const hasRestarted = service.workers().toSorted().join() !== workersBefore
  return {
    // What one request costs all processes of an arm stays put when others use the machine.
    figures: { requestsPerS, cpuUsPerRequest: cpuNs / 1_000 / requests },
    problems: [...problems, ...service.problems(), ...(hasRestarted ? ['a worker was restarted'] : [])],
  }
}

async function expectSameAnswer(running: readonly Running[], path: string): Promise<void> {
  const answers = await Promise.all(
    running.map(async ({ service }) => {
      const answer = await fetch(`http://127.0.0.1:${service.port}${path}`)
      return `${answer.status} ${await answer.text()}`
    }),
  )
  if (new Set(answers).size !== 1 || !answers[0]?.startsWith('200 ')) throw new Error(`the arms answer differently: ${answers.join(' | ')}`)
}
