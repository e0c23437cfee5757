// A TypeScript program that listens itself, unbuilt: npx monoceros docs/examples/listen-ts/server.ts
import app from '../fastify/app.js'
import { Mode, Settings } from './settings'

const settings = Settings.fromEnvironment(process.env)

// Without a host Fastify listens to every address of localhost, often two: 127.0.0.1 and ::1.
const address = await app.listen({ port: settings.port })

if (settings.mode === Mode.Development) console.log(`the shop is open at ${address}`)
