import * as Comlink from 'comlink'

/**
 * Marks a function, or an object with methods, that a dirty app may call while the call runs. It stays in the process of the
 * caller: what the app gets in its place answers with promises. It has to be an argument of its own, not a part of one.
 *
 * @param value what the app may call; it is answered as it is
 * @example
 * // app.ts: monoceros app.ts --dirty-app ./training.ts:Training
 * import type { ServerResponse } from 'node:http'
 * import { dirty, proxy } from 'monoceros/dirty'
 * import type { Training } from './training.ts'
 *
 * export default async (_: unknown, res: ServerResponse) => {
 *   const told: number[] = []
 *   await dirty<Training>('training').run(4, proxy((percent) => void told.push(percent)))
 *   res.end(told.join(' '))
 * }
 */
// Comlink's own type of it wants the library of browsers from whoever checks our types.
export const proxy: <T extends object>(value: T) => T = Comlink.proxy
