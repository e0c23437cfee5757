import { describe, expect, it } from 'vitest'
import { ask, configOf } from './folder.ts'

describe('forms of options', () => {
  it.each([[['./app.js', '-w', '4']], [['-w4', './app.js']], [['--workers=4', './app.js']], [['--workers', '4', '--', './app.js']]])(
    '%j',
    async (argv) => {
      const { settings } = await configOf({ argv })
      expect([settings.workers, settings.app]).toEqual([4, './app.js'])
    },
  )

  it('a dash and a number with a sign are values', async () => {
    const { settings } = await configOf({ argv: ['a', '--access-logfile', '-', '--log-file=-', '-n', '-1'] })
    expect([settings.accesslog, settings.errorlog, settings.procName]).toEqual(['-', '-', '-1'])
  })

  it('everything after two dashes is the app', async () => {
    expect((await configOf({ argv: ['--', '--odd-name.js'] })).settings.app).toBe('--odd-name.js')
  })

  it('all the spellings that Gunicorn has', async () => {
    const argv = '-c/dev/null.json -b a:1 -w 2 -k gevent -t 3 --keep-alive 4 -e A=1 -p x -u 1 -g 2 -m 007 -n shop --log-file y'
      .split(' ')
      .slice(1)
    const { settings } = await configOf({ argv: ['a', ...argv] })
    expect(settings).toMatchObject({
      bind: ['a:1'],
      workers: 2,
      workerClass: 'gevent',
      timeout: 3,
      keepalive: 4,
      rawEnv: ['A=1'],
      pidfile: 'x',
      user: '1',
      group: '2',
      umask: 7,
      procName: 'shop',
      errorlog: 'y',
    })
  })
})

describe('commands', () => {
  const commandOf = async (argv: string[], env: NodeJS.ProcessEnv = {}) => {
    const answer = await ask({ argv, env })
    return answer.ok ? answer.command : answer.error.message
  }

  it.each([['-h'], ['--help'], ['help'], ['--workrs', '--help'], ['app.js', 'b.js', '-h']])('%s asks for help', async (...argv) => {
    expect(await commandOf(argv)).toMatchObject({ kind: 'help', text: expect.stringContaining('Usage: monoceros') })
  })

  it.each([['-v'], ['--version'], ['version']])('%s asks for the version', async (...argv) => {
    expect(await commandOf(argv)).toEqual({ kind: 'version' })
  })

  it('completion wins over an app of that name, which has its path', async () => {
    expect(await commandOf(['completion', 'zsh'])).toEqual({ kind: 'completion', shell: 'zsh' })
    expect(await commandOf(['./completion'])).toMatchObject({ kind: 'serve', config: { settings: { app: './completion' } } })
    expect(await commandOf([], { MONOCEROS_APP: 'version' })).toMatchObject({ kind: 'serve', config: { settings: { app: 'version' } } })
  })

  it('serve, check and print carry the configuration', async () => {
    expect(await commandOf(['a'])).toMatchObject({ kind: 'serve', config: { settings: { app: 'a' } } })
    expect(await commandOf(['a', '--check-config'])).toMatchObject({ kind: 'check-config' })
    expect(await commandOf(['a', '--print-config', '--check-config'])).toMatchObject({ kind: 'print-config' })
    expect(await commandOf(['a'], { MONOCEROS_CHECK_CONFIG: '1' })).toMatchObject({ kind: 'check-config' })
  })
})
