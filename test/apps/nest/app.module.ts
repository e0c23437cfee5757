// @ts-nocheck: Nest's decorators need compiler options that this repository does not use
import { Controller, Get, Injectable, Module } from '@nestjs/common'

@Injectable()
class Words {
  hello(): string {
    return 'nest'
  }
}

@Controller()
class HelloController {
  private readonly words: Words

  // Injected by the type alone: it works only when the compiler emits the metadata of decorators.
  constructor(words: Words) {
    this.words = words
  }

  @Get()
  hello(): string {
    return this.words.hello()
  }
}

@Module({ controllers: [HelloController], providers: [Words] })
export class AppModule {}
