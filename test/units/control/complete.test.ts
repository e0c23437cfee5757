import { expect, test } from 'vitest'
import { completeLine } from '../../../src/control/client/complete.ts'

const answers: Readonly<Record<string, Record<string, unknown>>> = {
  'show all': {
    arbiter: { pid: 100 },
    web_workers: [
      { pid: 101, slot: 0 },
      { pid: 102, slot: 1 },
      { pid: 103, slot: 1 },
    ],
    dirty_arbiter: null,
    dirty_workers: [{ pid: 201, slot: 0 }],
  },
  'show machines': { machines: [{ chart: 'arbiter' }, { chart: 'worker' }, { chart: 'worker' }] },
}
const offers = async (line: string) => (await completeLine(line, async (command) => answers[command] ?? {}))[0].map((word) => word.trim())

test.each([
  [
    '',
    [
      'dirty',
      'drain',
      'exit',
      'heap',
      'help',
      'loglevel',
      'profile',
      'quit',
      'reload',
      'reopen',
      'show',
      'shutdown',
      'stacks',
      'watch',
      'worker',
    ],
  ],
  ['sh', ['show', 'shutdown']],
  ['show w', ['workers']],
  ['worker ', ['add', 'kill', 'remove', 'restart']],
  ['worker kill 10', ['101', '102', '103', '100']],
  ['worker restart ', ['0', '1', 'all']],
  ['drain 1', ['1']],
  ['stacks a', ['all']],
  ['reload -', ['--wait']],
  ['loglevel w', ['warning']],
  ['show events --actor ', ['arbiter', 'worker']],
  ['show events --limit ', []],
  ['watch show qu', ['queues']],
  ['watch 5 sh', ['show']],
  ['watch wor', []],
  ['show workers ', []],
  ['nonsense ', []],
])('after %j', async (line, expected) => {
  expect(await offers(line)).toEqual(expected)
})

test('what is typed is what the offers stand for', async () => {
  expect(await completeLine('show wor', async () => ({}))).toEqual([['workers '], 'wor'])
})
