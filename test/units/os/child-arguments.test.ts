import { expect, test } from 'vitest'
import { childArguments } from '../../../src/os/child-arguments.ts'

test.each([
  [
    'what any process may have is passed on',
    '--import tsx --max-old-space-size=200 -r ./x.cjs',
    '--import tsx --max-old-space-size=200 -r ./x.cjs',
  ],
  [
    'a debugger’s port is not, in one word or two',
    '--inspect --inspect-port 9555 --inspect=0 --inspect-brk --conditions dev',
    '--conditions dev',
  ],
  ['nor a script in words', '--input-type module -e code --no-warnings', '--no-warnings'],
  ['nor one that is printed', '--no-warnings -pe code', '--no-warnings'],
  [
    'nor a test run with all that belongs to it',
    '--test --test-name-pattern x --test-only --test-reporter=tap --test-shard 1/2 --trace-uncaught',
    '--trace-uncaught',
  ],
  ['nor a watcher', '--watch --watch-path ./src --watch-preserve-output --enable-source-maps', '--enable-source-maps'],
])('%s', (_, given, kept) => {
  expect(childArguments(given.split(' ')).join(' ')).toBe(kept)
})
