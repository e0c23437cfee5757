import type { IncomingMessage, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type AccessEntry, checkAccessFormat, compileAccessFormat, defaultAccessFormat } from '../../../src/log/access-log.ts'

interface Made extends Partial<Omit<AccessEntry, 'req' | 'res'>> {
  readonly req?: object
  readonly res?: object
}

function entry({ req, res, ...rest }: Made = {}): AccessEntry {
  return {
    req: { method: 'GET', url: '/', httpVersion: '1.1', headers: {}, ...req } as IncomingMessage,
    res: { headersSent: true, statusCode: 200, getHeader: () => undefined, ...res } as unknown as ServerResponse,
    tookMs: 0,
    bodyBytes: 12,
    remote: '127.0.0.1',
    pid: 42,
    ...rest,
  }
}

function basic(credentials: string): object {
  return { headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}

describe('atoms', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(2026, 10, 5, 14, 3, 9) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const cases: [format: string, text: string, made?: Made][] = [
    ['%(h)s %(l)s %(p)s', '127.0.0.1 - <42>'],
    ['%(h)s', '2001:db8::1', { remote: '2001:db8::1' }],
    ['%(h)s%(h)s', '--', { remote: '' }],
    ['%(h)s', '-', { remote: null }],
    ['%(m)s|%(U)s|%(q)s|%(H)s', 'POST|/a/b|c=d?e|HTTP/1.0', { req: { method: 'POST', url: '/a/b?c=d?e', httpVersion: '1.0' } }],
    ['%(U)s|%(q)s|', '/a||', { req: { url: '/a' } }],
    ['%(r)s', 'GET /a?b HTTP/1.1', { req: { url: '/a?b' } }],
    ['%(s)s', '404', { res: { statusCode: 404 } }],
    ['%(s)s', '-', { res: { headersSent: false } }],
    ['%(B)s %(b)s', '12 12'],
    ['%(B)s %(b)s', '0 0', { bodyBytes: 0 }],
    ['%(B)s %(b)s', '- -', { bodyBytes: null }],
    ['%(f)s|%(a)s', 'http://x/|curl/8', { req: { headers: { referer: 'http://x/', 'user-agent': 'curl/8' } } }],
    ['%(f)s|%(a)s', '-|-'],
    ['%({X-Id}i)s|%({x-ID}i)s', '7|7', { req: { headers: { 'x-id': '7' } } }],
    ['%({set-cookie}i)s', 'a, b', { req: { headers: { 'set-cookie': ['a', 'b'] } } }],
    ['%({constructor}i)s %({__proto__}i)s', '- -'],
    ['%({Content-Length}o)s', '5', { res: { getHeader: (name: string) => (name === 'content-length' ? 5 : undefined) } }],
    ['%({Server}o)s', 'me', { res: { _header: 'HTTP/1.1 200 OK\r\nX-Server: no\r\nServer: me\r\n\r\n' } }],
    ['%({request_method}e)s %({HTTP_X_ID}e)s %({HOME}e)s', 'GET 7 -', { req: { headers: { 'x-id': '7' } } }],
    ['%(u)s', 'ann', { req: basic('ann:secret:x') }],
    ['%(u)s', 'a\\x20b', { req: basic('a b:secret') }],
    ['%(u)s', '-', { req: basic('no colon') }],
    ['%(u)s', '-', { req: basic(':no user') }],
    ['%(u)s', '-', { req: { headers: { authorization: 'Basic' } } }],
    ['%(u)s', '-', { req: { headers: { authorization: 'Basic \xff\xfe%%%' } } }],
    ['%(u)s', '-', { req: { headers: { authorization: 'Bearer YTpi' } } }],
    ['100%% %(nothing)s %(toString)s %d', '100% - - %d'],
    ['%(h', '%(h'],
  ]
  it.each(cases)('%s', (format, text, made) => {
    expect(compileAccessFormat(format)(entry(made))).toBe(text)
  })

  it('durations, in days too', () => {
    const line = compileAccessFormat('%(T)s %(M)s %(D)s %(L)s')
    expect(line(entry({ tookMs: 3_004.005_678 }))).toBe('3 3004 3004005 3.004005')
    expect(line(entry({ tookMs: 2 * 86_400_000 + 0.001_5 }))).toBe('172800 172800000 172800000001 172800.000001')
    expect(line(entry({ tookMs: -0.005 }))).toBe('0 0 0 0.000000')
  })

  it('the time, which moves on', () => {
    const line = compileAccessFormat('%(t)s')
    expect(line(entry())).toMatch(/^\[05\/Nov\/2026:14:03:09 [+-]\d{4}\]$/)
    vi.advanceTimersByTime(1_000)
    expect(line(entry())).toContain(':14:03:10 ')
  })

  it('json', () => {
    const made = entry({ tookMs: 3_004.005_678, req: { ...basic('ann:x'), url: '/a?b=1' } })
    expect(JSON.parse(compileAccessFormat('json')(made))).toEqual({
      time: new Date().toISOString(),
      remote: '127.0.0.1',
      user: 'ann',
      method: 'GET',
      path: '/a',
      query: 'b=1',
      protocol: 'HTTP/1.1',
      status: 200,
      bodyBytes: 12,
      durationMs: 3_004.005,
      referer: null,
      agent: null,
      pid: 42,
    })
  })
})

describe('checkAccessFormat', () => {
  it.each([defaultAccessFormat, 'json', '', '%(nothing)s 100%%', '%%(h'])('has nothing against %s', (format) => {
    expect(checkAccessFormat(format)).toBeNull()
  })

  it.each(['%(h', 'x %(h)d', '%(h)s %('])('refuses %s', (format) => {
    expect(checkAccessFormat(format)).toContain(`position ${format.lastIndexOf('%(') + 1} `)
  })
})

// A line is one line with its fields where they belong, whatever a client sends; Node's parser is not what we rely on.
describe('no request', () => {
  const text = fc.oneof(
    fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes)),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"', '\\', 'a" 200 1 "x', '\r\n127.0.0.1 - - [x] "GET / HTTP/1.1" 200 1 "-" "-"', '\x1b[2J', '\u2028', '\ud800'),
  )
  const absent = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined })
  const made = fc.record({
    req: fc.record({
      method: absent(text),
      url: absent(text),
      httpVersion: fc.constantFrom('1.0', '1.1', '2.0'),
      headers: fc.record({
        authorization: absent(
          fc.oneof(
            text,
            text.map((credentials) => (basic(credentials) as { headers: { authorization: string } }).headers.authorization),
          ),
        ),
        referer: absent(text),
        'user-agent': absent(text),
        'x-id': absent(fc.oneof(text, fc.array(text))),
      }),
    }),
    res: fc.record({
      headersSent: fc.boolean(),
      statusCode: fc.integer({ min: 100, max: 599 }),
      getHeader: absent(fc.oneof(text, fc.array(text))).map((header) => () => header),
      _header: absent(text),
    }),
    bodyBytes: fc.option(fc.nat()),
  })

  it('adds a line or moves a field of the default format', () => {
    const line = compileAccessFormat(`${defaultAccessFormat} "%({x-id}i)s" "%({x-id}o)s" "%(U)s" "%(q)s" "%(m)s" "%({HTTP_X_ID}e)s"`)
    const quoted = '"[\\x20\\x21\\x23-\\x7e]*"'
    const shape = new RegExp(`^127\\.0\\.0\\.1 - [\\x21\\x23-\\x7e]+ \\[[^\\]]{26}\\] ${quoted} (-|\\d+) (-|\\d+)( ${quoted}){8}$`)
    fc.assert(
      fc.property(made, (some) => {
        expect(line(entry(some))).toMatch(shape)
      }),
    )
  })

  it('breaks the JSON or changes what it says', () => {
    const line = compileAccessFormat('json')
    fc.assert(
      fc.property(made, (some) => {
        const text = line(entry(some))
        expect(text).toMatch(/^[\x20-\x7e]+$/)
        const { url, method, headers } = some.req
        const [path = '', ...query] = (url ?? '').split('?')
        expect(JSON.parse(text)).toMatchObject({
          method: method || null,
          path: path || null,
          query: query.join('?') || null,
          referer: headers.referer || null,
          agent: headers['user-agent'] || null,
          status: some.res.headersSent ? some.res.statusCode : null,
        })
      }),
    )
  })
})
