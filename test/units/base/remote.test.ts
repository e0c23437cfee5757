import { expect, test } from 'vitest'
import { parseStatsdHost, parseSyslogAddress } from '../../../src/base/remote.ts'

const remoteOf = (answer: ReturnType<typeof parseStatsdHost>) => (answer.ok ? answer.remote : answer.problem)

test.each([
  ['localhost', { kind: 'udp', host: 'localhost', port: 8_125 }],
  ['10.0.0.7:9125', { kind: 'udp', host: '10.0.0.7', port: 9_125 }],
  ['[::1]:9125', { kind: 'udp', host: '::1', port: 9_125 }],
  ['[fe80::1]', { kind: 'udp', host: 'fe80::1', port: 8_125 }],
  ['udp://Stats', { kind: 'udp', host: 'stats', port: 8_125 }],
  ['unix:///run/statsd.sock', { kind: 'unix', path: '/run/statsd.sock', type: 'dgram' }],
])('statsd at %s', (text, remote) => {
  expect(remoteOf(parseStatsdHost(text))).toEqual(remote)
})

test.each([
  ['udp://localhost', { kind: 'udp', host: 'localhost', port: 514 }],
  ['tcp://[::1]:1514', { kind: 'tcp', host: '::1', port: 1_514 }],
  ['unix:///dev/log', { kind: 'unix', path: '/dev/log', type: null }],
  ['unix:///dev/log#dgram', { kind: 'unix', path: '/dev/log', type: 'dgram' }],
  ['unix:///run/s#stream', { kind: 'unix', path: '/run/s', type: 'stream' }],
])('syslog at %s', (text, remote) => {
  expect(remoteOf(parseSyslogAddress(text))).toEqual(remote)
})

test.each(['', 'a:b', '::1', 'host:0', 'host:99999', 'a b:1', 'unix://', 'unix:///a#dgram', `unix:///${'x'.repeat(200)}`])(
  'statsd cannot be at %j',
  (text) => {
    expect(parseStatsdHost(text).ok).toBe(false)
  },
)

test.each(['localhost', 'http://x', 'udp://', 'tcp://h:x', 'unix:///a#seqpacket', 'unix://'])('syslog cannot be at %j', (text) => {
  expect(parseSyslogAddress(text).ok).toBe(false)
})
