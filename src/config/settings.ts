/** The table of settings: help, reference page, editor schema, completion and the `Settings` type are made from it. */
import type { HookName } from './hook-types.ts'
import type { Kind } from './kinds/kind.ts'
import { isHook, type Row, type ValueRow } from './row.ts'
import { configRows } from './sections/config.ts'
import { controlRows } from './sections/control.ts'
import { dashboardRows } from './sections/dashboard.ts'
import { dirtyRows } from './sections/dirty.ts'
import { flightRecorderRows } from './sections/flight-recorder.ts'
import { hookRows } from './sections/hooks.ts'
import { loggingRows } from './sections/logging.ts'
import { mechanicsRows } from './sections/mechanics.ts'
import { metricsRows } from './sections/metrics.ts'
import { serverSocketRows } from './sections/server-socket.ts'
import { sidecarRows } from './sections/sidecars.ts'
import { threadRows } from './sections/threads.ts'
import { workerRows } from './sections/workers.ts'

const valueTable = [
  ...configRows,
  ...serverSocketRows,
  ...workerRows,
  ...threadRows,
  ...dirtyRows,
  ...sidecarRows,
  ...controlRows,
  ...dashboardRows,
  ...mechanicsRows,
  ...loggingRows,
  ...flightRecorderRows,
  ...metricsRows,
] as const

export const settings: readonly Row[] = [...valueTable, ...hookRows]
export const valueRows: readonly ValueRow[] = settings.filter((row): row is ValueRow => !isHook(row))

type TableRow = (typeof valueTable)[number]
type ValueOf<R extends TableRow> = (R['type'] extends Kind<infer Out, infer _> ? Out : never) | (null extends R['default'] ? null : never)
type InputOf<R extends TableRow> = (R['type'] extends Kind<infer _, infer In> ? In : never) | (null extends R['default'] ? null : never)

/** Every setting with its value; plain data, so that it can cross a process border. */
export type Settings = { readonly [R in TableRow as R['name']]: ValueOf<R> }

/** What a config file may set; hooks aside. */
export type SettingInputs = {
  readonly [R in TableRow as R extends { readonly isCallersOnly: true } ? never : R['name']]?: InputOf<R> | undefined
}

export type SettingName = keyof Settings | HookName
