import { Hono } from 'hono'

const app = new Hono()

app.get('/', (context) => context.text('hono'))
app.get('/fails', () => {
  throw new Error('the route failed')
})

export default app
