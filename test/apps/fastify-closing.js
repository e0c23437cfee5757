// Says when each of Fastify's own hooks and of the app's runs.
import fastify from 'fastify'

const app = fastify()
app.addHook('onReady', async () => console.log('onReady'))
app.addHook('onClose', async () => console.log('onClose'))
app.get('/', async () => 'open')

export const onStartup = () => console.log('onStartup')
export const onShutdown = () => console.log('onShutdown')
export default app
