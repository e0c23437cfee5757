declare module 'virtual:charts' {
  import type { ChartOutline } from '../../statechart/outline.ts'

  export const outlines: readonly ChartOutline[]
  export const drawings: Readonly<Record<string, string>>
}
