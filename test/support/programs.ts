/** Small apps as text, for tests that change the app under a running server. */

/** Answers every request with one word. */
export const saying = (word: string): string => `export default (req, res) => res.end(${JSON.stringify(word)})\n`

/** Its import goes on only once a file of that name exists in its folder. */
export const importingAfter = (file: string, word = 'late'): string => `
import { existsSync } from 'node:fs'
while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => setTimeout(resolve, 10))
${saying(word)}`

/** Its import never ends, and its loop turns. */
export const hangingAtImport = 'setInterval(() => {}, 1_000)\nawait new Promise(() => {})\n'

/**
 * Sends the head of an answer, with the worker's pid, at once and its end when a file of the request's name exists: `/hold/a` waits for `a`.
 * Everything else is answered at once.
 */
export const holding = `
import { existsSync } from 'node:fs'
export default (req, res) => {
  if (!req.url.startsWith('/hold/')) return res.end('quick')
  res.setHeader('pid', process.pid).flushHeaders()
  const look = () => (existsSync(req.url.slice('/hold/'.length)) ? res.end('held') : setTimeout(look, 10))
  look()
}
`
