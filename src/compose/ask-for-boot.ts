import type { Channel } from '../ipc/channel.ts'
import type { BootOrder, FactFromWorker, OrderToWorker } from '../ipc/messages.ts'

/** The arbiter answers `hello`: what it sent before the loop turns could be lost while modules are still being loaded. */
export function askForBoot(channel: Channel<FactFromWorker, OrderToWorker>): Promise<BootOrder> {
  return new Promise((resolve) => {
    // Until the watchdog runs, this is how its death is seen; it may have come before we could listen for it.
    const alone = () => process.exit()
    if (!process.connected) alone()
    process.once('disconnect', alone)
    channel.onMessage((order) => {
      if (order.type !== 'boot') return
      process.off('disconnect', alone)
      resolve(order.boot)
    })
    channel.send({ type: 'hello' })
  })
}
