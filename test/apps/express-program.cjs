const express = require('express')

const app = express()

app.get('/', (_request, response) => {
  response.json({ isMain: require.main === module, argv1: process.argv[1] === __filename })
})

if (require.main === module) {
  app.listen(process.env.PORT || 3000, '127.0.0.1', () => console.log('express program is up'))
}

module.exports = app
