/** The page as it was built: read once, served from memory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MonocerosError } from '../base/errors.ts'
import type { Route } from './http-door.ts'

const files = [
  ['/', 'index.html', 'text/html'],
  ['/page.js', 'page.js', 'text/javascript'],
  ['/page.css', 'page.css', 'text/css'],
  ['/favicon.svg', 'favicon.svg', 'image/svg+xml'],
] as const

/** Nothing from elsewhere, nothing inline, no text that becomes markup but the charts that were built in. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types charts',
].join('; ')

/** @throws MON_BUILD_MISSING when the page was not built */
export function pageRoutes(folder: string): Route[] {
  return files.map(([path, name, type]) => {
    const body = read(join(folder, name))
    return {
      method: 'GET',
      path,
      access: 'open',
      handle(_req, res) {
        res.setHeader('content-security-policy', policy)
        res.setHeader('referrer-policy', 'no-referrer')
        res.setHeader('cross-origin-opener-policy', 'same-origin')
        res.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-length': body.length }).end(body)
      },
    }
  })
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new MonocerosError('MON_BUILD_MISSING', { path }, error)
  }
}
