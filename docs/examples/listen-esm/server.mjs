// A program as people write it: it listens itself, says so, and leaves at SIGTERM. npx monoceros docs/examples/listen-esm/server.mjs
import app, { onStartup } from '../shop/app.js'

const port = Number(process.env.PORT ?? 3000)

await onStartup()

app.listen(port, () => {
  console.log(`the shop is open at http://localhost:${port}`)
})

process.on('SIGTERM', () => process.exit(0))
