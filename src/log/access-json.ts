import { type AccessEntry, pathOf, queryOf, userOf } from './access-atoms.ts'
import { jsonString } from './access-escape.ts'
import { isoTime } from './clock.ts'

/** One request as a JSON object on one line; what is not known is null. */
export function jsonEntry({ req, res, bodyBytes, remote, pid }: AccessEntry, micros: number): string {
  return (
    `{"time":"${isoTime(Date.now())}","remote":${text(remote)},"user":${text(userOf(req.headers.authorization))}` +
    `,"method":${text(req.method)},"path":${text(pathOf(req.url))},"query":${text(queryOf(req.url))}` +
    `,"protocol":${text(req.httpVersion && `HTTP/${req.httpVersion}`)},"status":${res.headersSent ? res.statusCode : null}` +
    `,"bodyBytes":${bodyBytes},"durationMs":${micros / 1_000},"referer":${text(req.headers.referer)}` +
    `,"agent":${text(req.headers['user-agent'])},"pid":${pid}}`
  )
}

function text(value: string | null | undefined): string {
  return value ? jsonString(value) : 'null'
}
