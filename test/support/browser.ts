/** Debian's Chromium, for tests of what people see. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))

export async function launch(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('there is no chromium: apt-get install chromium')
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

/** A page whose every complaint, to the console or to nobody, fails the test that opened it. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1440, height = 900, scheme = 'light' }: PageOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error.stack)))
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  onTestFinished(async () => {
    await context.close()
    const elsewhere = asked.filter((one) => new URL(one).origin !== new URL(url).origin)
    if (complaints.length + elsewhere.length > 0) throw new Error(`the page complained: ${[...complaints, ...elsewhere].join('\n')}`)
  })
  await page.goto(url)
  return page
}
