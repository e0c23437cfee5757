// Reads configurations with the built code in a plain process of Node: a test runner has an import() of its own.
const { readCommand } = await import(`${process.argv[2]}/read-command.js`)
const { loadFile } = await import(`${process.argv[2]}/load-file.js`)
const { loadHooks } = await import(`${process.argv[2]}/load-hooks.js`)
const calls = { readCommand, loadFile, loadHooks }

const plain = (value) => {
  if (typeof value === 'function') return '[function]'
  if (value instanceof Error) return { code: value.code, message: value.message, cause: value.cause?.name }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]))
}

process.on('disconnect', () => process.exit(0))
process.on('message', async ({ id, call, parameters }) => {
  const answer = await calls[call](...parameters).then(
    (value) => ({ id, value: plain(value) }),
    (error) => ({ id, error: plain(error) }),
  )
  process.send(answer)
})
process.send('ready')
