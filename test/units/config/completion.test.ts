import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { flags } from '../../../src/config/command-line.ts'
import { completionScript, shells } from '../../../src/config/completion.ts'
import { folderWith } from './folder.ts'

/** What bash offers at the end of a line; `=` is a word of its own, as bash hands it over. */
function offeredBy(words: readonly string[], cwd: string = folderWith()): string[] {
  const program = `${completionScript('bash')}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _monoceros 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  const shown = execFileSync('bash', ['--norc', '-c', program, 'bash', 'monoceros', ...words], { cwd, encoding: 'utf8' })
  return shown.split('\n').filter((line) => line !== '')
}

describe('in bash', () => {
  it.each<[words: string[], offered: string[]]>([
    [
      ['--wor'],
      ['--workers', '--worker-class', '--worker-connections', '--worker-memory-limit', '--workers-max-rss', '--workers-lifetime'],
    ],
    [['--no-f'], ['--no-fast-response']],
    [
      ['-k', ''],
      ['async', 'sync', 'gthread', 'job', 'asgi', 'gevent', 'tornado'],
    ],
    [
      ['--worker-class', 'a'],
      ['async', 'asgi'],
    ],
    [['--log-level', 'e'], ['error']],
    [
      ['./app.js', '--log-format', '='],
      ['auto', 'text', 'json'],
    ],
    [['./app.js', '--log-format', '=', 'j'], ['json']],
    [['-w', ''], ['auto']],
    [['--backlog', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['comp'], ['completion']],
    [['--reuse-port', '--vers'], ['--version']],
  ])('%j', (words, offered) => {
    expect(offeredBy(words)).toEqual(offered)
  })

  it('all long options are offered', () => {
    const long = [...flags.keys()].filter((flag) => flag.startsWith('--'))
    expect(offeredBy(['--']).sort()).toEqual([...long, '--help', '--version'].sort())
  })

  it('files are offered for the app and for paths, with their spaces', () => {
    const cwd = folderWith({ 'my app.js': '', 'monoceros.config.ts': '' })
    expect(offeredBy(['my'], cwd)).toEqual(['my app.js'])
    expect(offeredBy(['-c', 'mono'], cwd)).toEqual(['monoceros.config.ts'])
    expect(offeredBy(['--config', '=', 'mono'], cwd)).toEqual(['monoceros.config.ts'])
  })

  it('the script registers itself and prints nothing', () => {
    const program = `${completionScript('bash')}\ncomplete -p monoceros`
    expect(execFileSync('bash', ['--norc', '-c', program], { encoding: 'utf8' })).toBe('complete -F _monoceros monoceros\n')
  })
})

describe('in other shells', () => {
  it.each(shells)('the script of %s names every option', (shell) => {
    const script = completionScript(shell)
    for (const flag of flags.keys())
      expect(script).toContain(shell === 'fish' ? flag.replace(/^--/, '-l ').replace(/^-(?=\w$)/, '-s ') : flag)
  })

  it.each(['zsh', 'fish'] as const)('%s takes its script', (shell) => {
    const parsed = spawnSync(shell, ['-n'], { input: completionScript(shell), encoding: 'utf8' })
    if (parsed.error !== undefined) return // that shell is not on this machine
    expect(parsed.stderr).toBe('')
    expect(parsed.status).toBe(0)
  })
})
