/** Sums the reports of all runs, repeats every failure, and ends with one line of counts. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const folder = process.argv[2]
let passed = 0
let failed = 0
for (const run of ['node20', 'node22', 'node24', 'node26']) {
  const path = join(folder, `${run}.json`)
  if (!existsSync(path)) {
    failed++
    console.log(`FAILED ${run}: it ended without a report`)
    continue
  }
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  console.log(`${run}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`)
  for (const file of report.testResults) {
    const tests = file.assertionResults.filter((test) => test.status === 'failed')
    for (const test of tests)
      console.log(`FAILED ${run} ${basename(file.name)}: ${test.fullName}\n${test.failureMessages.join('\n').slice(0, 3_000)}`)
    // A file that could not be loaded has no tests to fail.
    if (file.status === 'failed' && tests.length === 0) {
      failed++
      console.log(`FAILED ${run} ${basename(file.name)}: ${String(file.message).slice(0, 3_000)}`)
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
