// @ts-nocheck: Nest's decorators need compiler options that this repository does not use
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

/** The unmodified `main.ts` of `nest new`. */
async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(process.env.PORT ?? 3000)
}

bootstrap()
