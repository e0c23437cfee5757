import express from 'express'

export const app = express()

app.get('/', (_request, response) => {
  response.send('express')
})

app.get('/fails', () => {
  throw new Error('the route failed')
})
