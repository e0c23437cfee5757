import type { CounterName } from '../ipc/pulse.ts'

const counters: readonly CounterName[] = ['status1xx', 'status1xx', 'status2xx', 'status3xx', 'status4xx', 'status5xx']

/** Which counter an answer with this status belongs to. */
export const counterOf = (status: number): CounterName => counters[Math.min(5, Math.floor(status / 100))] ?? 'status5xx'
