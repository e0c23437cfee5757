/** Starts the thread of a dirty app, with the ways to it. What it is there for follows over `remote`. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import * as Comlink from 'comlink'
import type { DirtyControl, DirtyTask, DirtyThreadOrders } from '../../lanes/dirty-control.ts'
import { createDirtyPage } from '../../lanes/dirty-page.ts'
import type { RunningThread, Threads } from '../../threads/threads.ts'

export interface DirtyAppThread {
  readonly running: RunningThread
  readonly remote: Comlink.Remote<DirtyControl>
  /** Our end of what carries words about calls. */
  readonly words: MessagePort
  readonly page: SharedArrayBuffer
  /** After its end: its ports hold this process. */
  close(): void
}

const vitalsBytes = 64

export function startDirtyAppThread(threads: Threads, orders: DirtyThreadOrders): DirtyAppThread {
  const words = new MessageChannel()
  const control = new MessageChannel()
  const task: DirtyTask = {
    words: words.port2,
    control: control.port2,
    vitals: new SharedArrayBuffer(vitalsBytes),
    page: createDirtyPage(),
    orders,
  }
  return {
    running: threads.start(task, [task.words, task.control]),
    remote: Comlink.wrap<DirtyControl>(control.port1 as unknown as Comlink.Endpoint),
    words: words.port1,
    page: task.page,
    close() {
      words.port1.close()
      control.port1.close()
    },
  }
}
