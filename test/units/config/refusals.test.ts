import { describe, expect, it } from 'vitest'
import { ask, folderWith, refusalOf } from './folder.ts'

describe('a bad command line is one line and exit code 2', () => {
  it.each<[argv: string[], line: string]>([
    [['--workrs', '4'], 'unknown option --workrs (did you mean --workers?)'],
    [['--worker_class=sync'], 'unknown option --worker_class (did you mean --worker-class?)'],
    [['--no-fast-respnse'], 'unknown option --no-fast-respnse (did you mean --no-fast-response?)'],
    [['--verison'], 'unknown option --verison (did you mean --version?)'],
    [['--qwertyuiop'], 'unknown option --qwertyuiop'],
    [['--__proto__=1'], 'unknown option --__proto__'],
    [['--constructor'], 'unknown option --constructor'],
    [['--no-workers'], 'unknown option --no-workers (did you mean --workers?)'],
    [['-x'], 'unknown option -x'],
    [['-w4x'], 'workers = "4x": not a whole number; allowed: a whole number from 0, or auto'],
    [['-w', '-1'], 'workers = "-1": too small; allowed: a whole number from 0, or auto'],
    [['-w', '1.5'], 'workers = "1.5": not a whole number; allowed: a whole number from 0, or auto'],
    [['-w', 'atuo'], 'workers = "atuo": not a whole number; allowed: a whole number from 0, or auto'],
    [['-w'], '-w needs a value'],
    [['--pid', '--workers', '4'], '--pid needs a value, and --workers follows it; if --workers is meant, write --pid=--workers'],
    [['-p', '-w'], '-p needs a value, and -w follows it'],
    [['--pid='], 'pidfile = "": empty; allowed: a path'],
    [['--reuse-port=yes'], '--reuse-port takes no value; write --no-reuse-port to turn it off'],
    [['--check-config=1'], '--check-config takes no value'],
    [['-w', '1', '--workers', '2'], '-w 1 and --workers 2 contradict each other'],
    [['--reuse-port', '--no-reuse-port'], '--reuse-port and --no-reuse-port contradict each other'],
    [['--keep-alive', '5', '--keepalive=6'], '--keep-alive 5 and --keepalive 6 contradict each other'],
    [['a.js', 'b.js'], 'only one app can be given, and there are a.js, b.js'],
    [['--', 'a.js', '-w'], 'only one app can be given, and there are a.js, -w'],
    [[''], 'app = "": empty; allowed: text'],
    [['completion'], 'the form is: monoceros completion bash|zsh|fish'],
    [['completion', 'bsh'], 'the form is: monoceros completion bash|zsh|fish (did you mean bash?)'],
    [['completion', 'bash', 'zsh'], 'the form is: monoceros completion bash|zsh|fish'],
    [
      ['-k', 'asycn'],
      'workerClass = "asycn": unknown (did you mean async?); allowed: async, sync, gthread, job, asgi, gevent, tornado, or the path of a module',
    ],
    [['--log-level', 'warn'], 'loglevel = "warn": unknown; allowed: debug, info, warning, error, critical'],
    [['--log-level', 'eror'], 'loglevel = "eror": unknown (did you mean error?); allowed: debug, info, warning, error, critical'],
    [['--log-format', 'xml'], 'logFormat = "xml": unknown; allowed: auto, text, json'],
    [['-t', '1e3'], 'timeout = "1e3": not a number; allowed: seconds from 0.001 to 2147483.647, or 0'],
    [['-t', '2147483.648'], 'timeout = "2147483.648": too large; allowed: seconds from 0.001 to 2147483.647, or 0'],
    [['-t', '0.0001'], 'timeout = "0.0001": too small; allowed: seconds from 0.001 to 2147483.647, or 0'],
    [['--boot-timeout', '0'], 'bootTimeout = "0": too small; allowed: seconds from 0.001 to 2147483.647'],
    [['--worker-connections', '0'], 'workerConnections = "0": too small; allowed: a whole number from 1'],
    [['--backlog', '4294967296'], 'backlog = "4294967296": too large; allowed: a whole number from 1 to 2147483647'],
    [['-m', '22'], 'umask = "22": not an octal number with a leading 0; allowed: an octal number up to 0777, such as 0022 or 0o22'],
    [['-m', '0888'], 'umask = "0888": not an octal number with a leading 0; allowed: an octal number up to 0777, such as 0022 or 0o22'],
    [['-m', '01777'], 'umask = "01777": too large; allowed: an octal number up to 0777, such as 0022 or 0o22'],
    [['-e', 'A'], 'rawEnv = ["A"]: an item is not NAME=VALUE; allowed: NAME=VALUE'],
    [['-e', '=A'], 'rawEnv = ["=A"]: an item is not NAME=VALUE; allowed: NAME=VALUE'],
    [['-b', ''], 'bind = [""]: an address is empty; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N'],
    [
      ['-b', '::1:80'],
      'bind = ["::1:80"]: an IPv6 address is written in brackets, as in [::1]:8000; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N',
    ],
    [
      ['-b', 'a:1', '-b', 'b:x'],
      'bind = ["a:1", "b:x"]: b:x: the port is not a number; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N',
    ],
    [['--chdir', 'nowhere'], 'chdir = "nowhere": there is no such folder; allowed: a path'],
    [['--chdir', 'a-file'], 'chdir = "a-file": not a folder; allowed: a path'],
    [['-n', 'a\nb\0'], 'procName = "a\\nb\\u0000": holds a NUL character; allowed: text'],
  ])('%j', async (argv, line) => {
    expect(await refusalOf({ argv, cwd: folderWith({ 'a-file': '' }) })).toBe(`2 command line: ${line}`)
  })
})

describe('bad MONOCEROS_CMD_ARGS', () => {
  it.each([
    ['--workrs 4', 'unknown option --workrs (did you mean --workers?)'],
    ['./app.js', 'only options can stand here, and there is ./app.js; set MONOCEROS_APP for the app'],
    ['--help', '--help can stand only on the command line'],
    ['-v', '--version can stand only on the command line'],
    ['-w x', 'workers = "x": not a whole number; allowed: a whole number from 0, or auto'],
    ['-w "4', 'the quote (") at character 4 is not closed'],
  ])('%s', async (MONOCEROS_CMD_ARGS, line) => {
    expect(await refusalOf({ env: { MONOCEROS_CMD_ARGS } })).toBe(`2 MONOCEROS_CMD_ARGS: ${line}`)
  })
})

describe('a bad variable is one line and exit code 1', () => {
  it.each([
    ['WORKERS', 'x', 'workers = "x": not a whole number; allowed: a whole number from 0, or auto'],
    ['REUSE_PORT', 'yes', 'reusePort = "yes": not a boolean; allowed: true, false, 1, 0'],
    ['LOGLEVEL', 'loud', 'loglevel = "loud": unknown; allowed: debug, info, warning, error, critical'],
    ['RAW_ENV', 'A=1,B', 'rawEnv = ["A=1", "B"]: an item is not NAME=VALUE; allowed: NAME=VALUE'],
    ['BIND', ' , ', 'bind = []: the list is empty; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N'],
    ['CHDIR', '/nowhere', 'chdir = "/nowhere": there is no such folder; allowed: a path'],
  ])('MONOCEROS_%s=%s', async (name, value, line) => {
    expect(await refusalOf({ env: { [`MONOCEROS_${name}`]: value } })).toBe(`1 MONOCEROS_${name}: ${line}`)
  })
})

describe('a bad setting in a file is one line and exit code 1', () => {
  it.each([
    [{ wrokers: 4 }, 'unknown setting wrokers (did you mean workers?)'],
    [{ max_request: 4 }, 'unknown setting max_request (did you mean max_requests?)'],
    [{ maxRequest: 4 }, 'unknown setting maxRequest (did you mean maxRequests?)'],
    [{ preload_app: true }, 'unknown setting preload_app'],
    [{ max_requests: 5, maxRequests: 6 }, 'max_requests = 5 and maxRequests = 6 contradict each other'],
    [{ bind: ['a:1'], wsgi_app: 'a', app: 'b' }, 'wsgi_app = "a" and app = "b" contradict each other'],
    [{ workers: 'x' }, 'workers = "x": not a whole number; allowed: a whole number from 0, or auto'],
    [{ workers: [4] }, 'workers = [4]: not a whole number; allowed: a whole number from 0, or auto'],
    [{ timeout: '' }, 'timeout = "": not a number; allowed: seconds from 0.001 to 2147483.647, or 0'],
    [{ reusePort: 'maybe' }, 'reusePort = "maybe": not a boolean; allowed: true, false, 1, 0'],
    [{ reusePort: 2 }, 'reusePort = 2: not a boolean; allowed: true, false, 1, 0'],
    [{ procName: 5 }, 'procName = 5: not text; allowed: text'],
    [{ bind: { a: 1 } }, 'bind = { "a": 1 }: not a list; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N'],
    [{ bind: [8000] }, 'bind = [8000]: not text; allowed: addresses: HOST:PORT, [V6]:PORT, unix:PATH or fd://N'],
    [{ user: -1 }, 'user = -1: not a name or number; allowed: a name or a number from 0'],
    [{ umask: 1000 }, 'umask = 1000: too large; allowed: an octal number up to 0777, such as 0022 or 0o22'],
    [{ config: 'x' }, 'config = "x": a file cannot set it; allowed: only on the command line or in the environment'],
    [{ printConfig: true }, 'printConfig = true: a file cannot set it; allowed: only on the command line or in the environment'],
    [{ onStarting: 'x' }, 'onStarting = "x": not a function; allowed: a function, in a config file that is a module'],
    [{ procName: ['x'.repeat(200)] }, `procName = ["${'x'.repeat(75)}...: not text; allowed: text`],
  ])('%j', async (content, line) => {
    const cwd = folderWith({ 'monoceros.config.json': content })
    expect(await refusalOf({ cwd })).toBe(`1 ./monoceros.config.json: ${line}`)
    const asPackage = folderWith({ 'package.json': { monoceros: content } })
    expect(await refusalOf({ cwd: asPackage })).toBe(`1 package.json: ${line}`)
  })

  it('__proto__ is a name like any other', async () => {
    const cwd = folderWith({ 'monoceros.config.json': '{ "__proto__": { "workers": 4 } }' })
    expect(await refusalOf({ cwd })).toBe('1 ./monoceros.config.json: unknown setting __proto__')
  })
})

it('no app is an error, except for --print-config', async () => {
  expect(await refusalOf({ argv: [] })).toBe('1 no app given')
  expect(await refusalOf({ argv: ['--check-config'] })).toBe('1 no app given')
  expect(await refusalOf({ argv: ['--print-config'] })).toBe('accepted as print-config')
})

it('a refusal carries its code and facts', async () => {
  const answer = await ask({ env: { MONOCEROS_WORKERS: 'x' } })
  expect(answer.ok ? null : answer.error).toMatchObject({
    code: 'MON_CONFIG_INVALID',
    facts: { source: 'MONOCEROS_WORKERS', setting: 'workers', value: '"x"' },
  })
})
