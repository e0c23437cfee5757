import fastify from 'fastify'

export function create(name, { isClosable = true } = {}) {
  const app = fastify()
  app.get('/', async () => `fastify ${name}`)
  if (isClosable) app.addHook('onClose', async () => console.log('fastify closed'))
  return app
}

export default create('default')
