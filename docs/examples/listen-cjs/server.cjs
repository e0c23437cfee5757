// A CommonJS program that listens only when it is the main module: npx monoceros docs/examples/listen-cjs/server.cjs
const http = require('node:http')

async function main() {
  const { default: handle } = await import('../node-http/app.js')
  const server = http.createServer(handle)
  server.listen(process.env.PORT || 3000)
  return server
}

if (require.main === module) main()

module.exports = { main }
