// @ts-nocheck: Nest's decorators need compiler options that this repository does not use
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

export default NestFactory.create(AppModule, { logger: false })
