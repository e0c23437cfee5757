// The shop's JSON API in Nest, served from its TypeScript: npx monoceros 'docs/examples/nest/app.ts:createApp()'
import 'reflect-metadata'
import {
  Body,
  Controller,
  Get,
  HttpException,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  NotFoundException,
  type OnModuleInit,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import { digest } from '../shop/bodies.js'
import { type Catalog, openCatalog, wholeNumber } from '../shop/catalog.js'
import { priceEvents, streamState } from '../shop/events.js'
import { sendEcho, sendEvents, sendLetters } from '../shop/node-streams.js'
import { placeOrder } from '../shop/orders.js'
import { burnCpu, crashSoon, waitFor, whoAmI } from '../shop/trouble.js'

type QueryOf<Name extends string> = Partial<Record<Name, string>>

@Injectable()
class Shop implements OnModuleInit {
  catalog!: Catalog

  async onModuleInit(): Promise<void> {
    this.catalog = await openCatalog()
  }
}

@Controller('api')
class ApiController {
  constructor(private readonly shop: Shop) {}

  @Get('products')
  list(@Query() query: QueryOf<'page' | 'perPage'>) {
    return this.shop.catalog.list(query)
  }

  @Get('products/:id')
  product(@Param('id') id: string) {
    return found(this.shop.catalog.find(id))
  }

  @Put('products/:id/photo')
  photo(@Param('id') id: string, @Req() req: express.Request) {
    found(this.shop.catalog.find(id))
    return digest(req)
  }

  @Get('categories/:category')
  category(@Param('category') category: string) {
    return found(this.shop.catalog.inCategory(category))
  }

  @Get('search')
  search(@Query('q') q: string | undefined) {
    return this.shop.catalog.search(q)
  }

  @Post('orders')
  order(@Body() body: unknown, @Res({ passthrough: true }) res: express.Response) {
    const answer = placeOrder(this.shop.catalog, body)
    if (!answer.ok) throw new HttpException({ error: 'the order cannot be taken', problems: answer.problems }, 422)
    res.location(`/api/orders/${answer.order.id}`)
    return answer.order
  }
}

@Controller()
class StreamsController {
  constructor(private readonly shop: Shop) {}

  @Get('events')
  events(@Query() query: QueryOf<'id' | 'count'>, @Req() req: express.Request, @Res() res: express.Response) {
    return sendEvents(req, res, priceEvents(this.shop.catalog, query))
  }

  @Get('events/:id')
  eventsState(@Param('id') id: string) {
    return found(streamState(id))
  }

  @Get('stream')
  stream(@Query() query: QueryOf<'chunks' | 'size'>, @Req() req: express.Request, @Res() res: express.Response) {
    return sendLetters(req, res, { chunks: wholeNumber(query.chunks, 10), size: wholeNumber(query.size, 1024) })
  }

  @Post('echo')
  echo(@Req() req: express.Request, @Res() res: express.Response) {
    res.status(200)
    return sendEcho(req, res)
  }
}

@Controller()
class TroubleController {
  @Get('slow')
  slow(@Query('ms') ms: string | undefined) {
    return waitFor(ms)
  }

  @Get('cpu')
  cpu(@Query('ms') ms: string | undefined) {
    return burnCpu(ms)
  }

  @Get('headers')
  headers(@Req() req: express.Request) {
    return req.headers
  }

  @Get('basket')
  basket(@Res({ passthrough: true }) res: express.Response) {
    res.cookie('basket', 'b-1', { httpOnly: true }).cookie('currency', 'EUR')
    return { items: 0 }
  }

  @Get('pid')
  pid() {
    return whoAmI()
  }

  @Get('error')
  error(): never {
    throw new Error('the handler threw, as it was asked to')
  }

  @Get('crash')
  crash(): Promise<never> {
    crashSoon()
    return new Promise(() => {})
  }
}

@Module({ controllers: [ApiController, StreamsController, TroubleController], providers: [Shop] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(express.json()).forRoutes('api/orders')
  }
}

/** Nest would parse every JSON body; here only orders are parsed, so that `/echo` can stream. */
export function createApp() {
  return NestFactory.create(AppModule, { bodyParser: false, logger: ['error', 'warn'] })
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new NotFoundException('not found')
  return value
}
