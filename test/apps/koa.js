import Koa from 'koa'

const app = new Koa()

app.use(async (context) => {
  context.body = 'koa'
})

export default app
