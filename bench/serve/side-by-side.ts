/** Services that run side by side and are measured one after the other; in a round that counts none of them restarts anything. */
import type { Arm, Order, Service } from './arms.ts'
import { type Measured, type Round, takeRounds } from './rounds.ts'

export interface SideBySideOptions {
  readonly title: string
  readonly rounds: number
  readonly arms: readonly Arm[]
  readonly order: Order
  /** Where all of them must answer alike, before and after. */
  readonly path: string
  readonly onVoid: (problems: readonly string[]) => void
  warmUp(service: Service): Promise<unknown>
  measure(service: Service): Promise<Measured>
}

interface Running {
  readonly name: string
  readonly service: Service
}

export async function measureSideBySide(options: SideBySideOptions): Promise<Round[]> {
  const running: Running[] = []
  try {
    for (const arm of options.arms) running.push({ name: arm.name, service: await arm.start(options.order) })
    await expectSameAnswer(running, options.path)
    for (const { service } of running) await options.warmUp(service)
    const rounds = await takeRounds({ ...options, arms: running, measure: ({ service }) => measureOnce(service, options) })
    await expectSameAnswer(running, options.path)
    return rounds
  } finally {
    for (const { service } of running) await service.stop()
  }
}

async function measureOnce(service: Service, { measure }: SideBySideOptions): Promise<Measured> {
  const workersBefore = service.workers().toSorted().join()
  const { figures, problems } = await measure(service)
  const hasRestarted = service.workers().toSorted().join() !== workersBefore
  return { figures, problems: [...problems, ...service.problems(), ...(hasRestarted ? ['a worker was restarted'] : [])] }
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
