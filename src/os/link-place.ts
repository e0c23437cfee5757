import { spawnSync } from 'node:child_process'

/**
 * Where the linking of an ES module fails, as Node writes it: `file:line`, the file a path or a URL. An error caught from `import()` has lost that place, and only a
 * Node that dies of it prints it, so one is started for it. It evaluates nothing of the app: its first import throws.
 *
 * @returns undefined when it cannot be told within 5 s
 */
export function linkPlace(url: string): string | undefined {
  const stop = `import ${JSON.stringify('data:text/javascript,throw new Error("linked")')}`
  const code = `${stop}; import ${JSON.stringify(url)}`
  const child = spawnSync(process.execPath, [...process.execArgv.filter(isLoaderFlag), '--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 5_000,
    encoding: 'utf8',
  })
  return /^(?:file:\/\/)?\/.*:\d+$/m.exec(child.stderr ?? '')?.[0]
}

function isLoaderFlag(flag: string): boolean {
  return /^--(?:import|require|loader|experimental-loader|conditions)=/.test(flag)
}
