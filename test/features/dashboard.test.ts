/** The dashboard as people see it: in a browser, with real processes behind it. `MONOCEROS_TEST_PICTURES=FOLDER` keeps pictures. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { launch, openPage, type PageOptions } from '../support/browser.ts'
import { ask } from '../support/client.ts'
import { packageFiles } from '../support/dirty.ts'
import { cliPath, type LogLine, type Running, root, start, startShared, testFolder } from '../support/harness.ts'
import { startLoad } from '../support/load.ts'
import { longRecording } from '../support/long-recording.ts'
import { lacksProgram } from '../support/system.ts'

const shop = join(root, 'docs/examples/shop/app.js')
const shopArgs = [shop, '-b', '127.0.0.1:0', '-w', '2', '--timeout', '1', '--dashboard', '127.0.0.1:0', '--no-control-socket']

describe.skipIf(lacksProgram('chromium'))('the dashboard', () => {
  let browser: Browser
  const patience = { timeout: 20_000 }
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  const urlOf = async (server: Running) => String((await server.until('dashboard.listening'))['url'])

  /** Opens the dashboard, and notes when which process was seen in which state. */
  async function open(server: Running, options?: PageOptions): Promise<Page> {
    const page = await openPage(browser, await urlOf(server), options)
    await page.locator('[role=treeitem]').first().waitFor({ state: 'attached' })
    await page.evaluate(() => {
      const seen: [number, string, string][] = []
      const look = () => {
        for (const row of document.querySelectorAll<HTMLElement>('[role=treeitem]')) {
          const { pid = '', state = '' } = row.dataset
          if (!seen.some(([, other, was]) => other === pid && was === state)) seen.push([Date.now(), pid, state])
        }
      }
      Object.assign(globalThis, { seen })
      look()
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
    })
    return page
  }

  /** How long after a line of the log the page showed that process in that state, or in one of that kind. */
  async function delayMs(page: Page, line: LogLine, pid: number, state: string): Promise<number> {
    const handle = await page.waitForFunction(
      ([wanted, prefix]) =>
        (globalThis as unknown as { seen: [number, string, string][] }).seen.find(
          ([, other, now]) => other === wanted && now.startsWith(prefix),
        ),
      [String(pid), state] as const,
    )
    const found = await handle.jsonValue()
    return found![0] - Date.parse(String(line['time']))
  }

  const litIn = (page: Page) =>
    page.evaluate(() => [...document.querySelectorAll('.drawing .lit')].map((node) => node.id.replace('state:', '')))

  /** Kept with the guide, when somebody has asked for them. */
  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env['MONOCEROS_TEST_PICTURES']
    if (folder === undefined) return
    mkdirSync(folder, { recursive: true })
    await page.waitForTimeout(300)
    await page.screenshot({ path: join(folder, `${name}.png`) })
  }

  test('a reload, a crash and a timeout kill are on the page within a second, with the right states lit', async () => {
    const server = start({ args: shopArgs })
    await server.ready()
    const port = server.port()
    const page = await open(server)
    const load = startLoad({ port, path: '/api/search?q=copper' })
    onTestFinished(async () => void (await load.stop()))
    const row = (pid: number) => page.locator(`[role=treeitem][data-pid="${pid}"]`)
    const [first] = [...server.workers().values()] as [number]
    await row(first).click()
    expect(await litIn(page)).toEqual(['ready'])

    server.signal('SIGHUP')
    const done = await server.until('reload.done', { generation: 2 })
    const fresh = await server.until('worker.ready', { gen: 2 })
    expect(await delayMs(page, fresh, Number(fresh.childPid), 'ready')).toBeLessThan(1_000)
    expect(await delayMs(page, done, server.pid, 'ready.reloading')).toBeLessThan(1_000)

    for (const ms of [4_000, 5_000, 6_000]) ask({ port, path: `/slow?ms=${ms}` }).catch(() => undefined)
    await page.locator('#tab-requests').click()
    expect(await page.locator('.request').first().textContent()).toContain('/slow')
    await picture(page, 'dashboard-requests')
    await page.locator('#tab-charts').click()

    // One that has ended is shown for a moment, as gone.
    const before = server.lines.length
    ask({ port, path: '/crash' }).catch(() => undefined)
    const died = await server.until('worker.died', {}, { after: before })
    const successor = await server.until('worker.booting', {}, { after: before })
    expect(await delayMs(page, died, Number(died.childPid), 'gone')).toBeLessThan(1_000)
    expect(await delayMs(page, successor, Number(successor.childPid), 'booting')).toBeLessThan(1_000)
    await server.until('worker.ready', { childPid: successor.childPid })

    ask({ port, path: '/cpu?ms=20000' }).catch(() => undefined)
    const stuck = await server.until('worker.timeout')
    const autopsy = await server.until('worker.autopsy')
    const killed = await server.until('worker.died', { childPid: stuck.childPid })
    expect(await delayMs(page, killed, Number(stuck.childPid), 'gone')).toBeLessThan(1_000)
    await page.locator('#tab-autopsies').click()
    const report = page.locator('.autopsy').first()
    expect(await report.textContent()).toContain(String(autopsy.childPid))
    expect(await report.locator('pre').textContent()).toContain('burnCpu')

    // Back to the moment of the kill: the chart of the killed one is lit as it was.
    await page.locator('#tab-events').click()
    await page.locator('.events input').fill('child.silent')
    await page.locator('.line').first().click()
    expect(await page.locator('#moment').getAttribute('class')).toContain('is-past')
    expect(await litIn(page)).toEqual(expect.arrayContaining(['killing', 'killing.striking']))
    expect(await page.locator('.drawing .taken').getAttribute('id')).toBe('arrow:ready>killing.striking')
    expect(await row(Number(stuck.childPid)).getAttribute('data-state')).toBe('killing.striking')
    await picture(page, 'dashboard-chart')
    await page.keyboard.press('Escape')
    expect(await page.locator('#moment').getAttribute('class')).not.toContain('is-past')
    await page.locator('#tab-autopsies').click()
    await picture(page, 'dashboard-autopsy')
    await page.locator('#tab-traffic').click()
    await page.locator('.plot canvas').first().waitFor()
    await picture(page, 'dashboard-traffic')
    await page.locator('#tab-events').click()
    await page.locator('.events input').fill('')
    await picture(page, 'dashboard-steps')
  })

  test('a stuck thread and a stuck dirty call have their autopsies on the page', async () => {
    const files = {
      ...packageFiles,
      'burn.mjs': `
        import { DirtyApp } from 'monoceros/dirty'
        export class BurnApp extends DirtyApp {
          burnForEver() { for (;;) Math.random() }
          nothing() { return 'warm' }
        }`,
      'app.mjs': `
        import { dirty } from 'monoceros/dirty'
        export default function app(req, res) {
          if (req.url === '/spin') spinForEver()
          const call = req.url === '/warm' ? dirty('burn').nothing() : dirty('burn').burnForEver()
          call.then((answer) => res.end(answer), (error) => res.end(error.code))
        }
        function spinForEver() { for (;;) Math.random() }`,
    }
    const args = [
      './app.mjs',
      '-b',
      '127.0.0.1:0',
      '-w',
      '1',
      '--threads',
      '2',
      '--timeout',
      '3',
      '--dashboard',
      '127.0.0.1:0',
      '--no-control-socket',
    ]
    const server = start({
      args: [...args, '--dirty-app', './burn.mjs:BurnApp', '--dirty-workers', '1', '--dirty-timeout', '1.5', '--dirty-cancel-grace', '0.3'],
      files,
    })
    await server.ready()
    const page = await open(server)
    const port = server.port()
    expect((await ask({ port, path: '/spin' })).status).toBe(504)
    // A call that ran out of time before it was begun would have no stack.
    await expect.poll(async () => (await ask({ port, path: '/warm' })).body, patience).toBe('warm')
    await ask({ port, path: '/dirty' })
    await server.until('thread.autopsy', { role: 'dirty-worker' })
    await page.locator('#tab-autopsies').click()
    const reports = page.locator('.autopsy')
    await expect.poll(async () => (await reports.allTextContents()).join(), patience).toMatch(/burnForEver[\s\S]*spinForEver/)
    expect(await page.locator('.autopsy header').allTextContents()).toEqual([
      expect.stringMatching(/dirty.*thread/),
      expect.stringMatching(/worker 0.*thread/),
    ])
  })

  test('dragging along the timeline shows the processes of that moment, and steps go on from there', async () => {
    const server = start({ args: shopArgs })
    await server.ready()
    const old = [...server.workers().values()].sort()
    const page = await open(server)
    server.signal('SIGHUP')
    await server.until('reload.done', { generation: 2 })
    const pids = () =>
      page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('[data-key^="worker "]:not([data-state=gone])')]
          .map((row) => Number(row.dataset['pid']))
          .sort(),
      )
    await server.untilCount('worker.gone', 2)
    const fresh = [...server.workers().values()].sort()
    await expect.poll(pids, patience).toEqual(fresh)

    // All that was drawn so far: the old generation is in its middle.
    const box = (await page.locator('#timeline').boundingBox())!
    const from = await page.evaluate(() => Number(document.querySelector('#timeline')!.getAttribute('aria-valuenow')))
    expect(from).toBe(1_000)
    await page.mouse.move(box.x + box.width - 30, box.y + 60)
    await page.mouse.down()
    for (let x = box.width - 30; x > 100; x -= 12) {
      await page.mouse.move(box.x + x, box.y + 60)
      if (JSON.stringify(await pids()) === JSON.stringify(old)) break
    }
    await page.mouse.up()
    expect(await pids()).toEqual(old)

    // Steps that follow from each other share their millisecond.
    const moment = async () => (await page.locator('#moment').textContent()) ?? ''
    const here = await moment()
    let presses = 0
    for (; (await moment()) === here && presses < 50; presses++) await page.keyboard.press('ArrowRight')
    const next = await moment()
    expect(next).not.toBe(here)
    for (; (await moment()) === next && presses > -50; presses--) await page.keyboard.press('ArrowLeft')
    expect((await moment()) < next).toBe(true)
    await page.locator('.live').click()
    await expect.poll(pids, patience).toEqual(fresh)
  })

  test('reload, scale, restart and drain are asked for, confirmed and done', async () => {
    const server = start({ args: shopArgs })
    await server.ready()
    const page = await open(server)
    const confirm = async (button: ReturnType<Page['locator']>) => {
      await button.click()
      await page.locator('dialog #confirm').click()
      await page.locator('dialog').waitFor({ state: 'detached' })
      expect(await page.locator('#outcome').getAttribute('class')).toBe('is-good')
    }
    await page.locator('#reload').click()
    await page.locator('dialog #confirm').waitFor()
    await picture(page, 'dashboard-confirm')
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    expect(server.all('reload.started')).toEqual([])

    await confirm(page.locator('#reload'))
    await server.until('reload.done', { generation: 2 })
    await confirm(page.getByRole('button', { name: 'One worker more' }))
    await server.until('arbiter.scaled', { from: 2, to: 3 })
    await page.locator('[role=treeitem][data-key^="worker "]').nth(2).waitFor()
    const old = server.workers().get(0)
    await page.locator(`[data-pid="${old}"]`).click()
    await confirm(page.getByRole('button', { name: 'Restart' }))
    await server.until('worker.gone', { childPid: old })
    await page.locator(`[data-pid="${server.workers().get(1)}"]`).click()
    await confirm(page.getByRole('button', { name: 'Drain' }))
    await server.until('worker.gone', { slot: 1, gen: 2 })
    expect(server.all('control.order').map((line) => line['command'])).toEqual(['reload', 'worker add', 'worker restart 0', 'drain 1'])
  })

  describe('who may do what', () => {
    let shared: ReturnType<typeof startShared>
    let server: Running
    beforeAll(() => {
      shared = startShared({ args: shopArgs })
      server = shared.running
    })
    afterAll(() => shared.close())

    const wish = async (headers: Record<string, string>) => {
      const port = Number(new URL(await urlOf(server)).port)
      return ask({
        port,
        path: '/command',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"command":"reload"}',
      })
    }

    test('without the token the page shows all and changes nothing; a wrong one is refused, the right one is taken', async () => {
      await server.ready()
      const url = new URL(await urlOf(server))
      const token = url.hash.slice('#token='.length)
      const page = await openPage(browser, url.origin)
      await page.locator('[role=treeitem]').first().waitFor()
      await page.locator('#reload').click()
      const field = page.locator('dialog input')
      await field.fill(token)
      await page.getByRole('button', { name: 'Use it' }).click()
      await page.locator('dialog #confirm').waitFor()
      expect(page.url()).not.toContain(token)
      expect(server.all('reload.started')).toEqual([])
    })

    test('an order without the token, with a wrong one, from another site or under another name is not carried out', async () => {
      await server.ready()
      const { hash } = new URL(await urlOf(server))
      const authorization = `Bearer ${hash.slice('#token='.length)}`
      expect((await wish({})).status).toBe(401)
      expect((await wish({ authorization: 'Bearer nonsense' })).status).toBe(401)
      expect((await wish({ authorization, origin: 'http://evil.example' })).status).toBe(403)
      expect((await wish({ authorization, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
      expect((await wish({ authorization, host: 'evil.example' })).status).toBe(421)
      expect((await wish({ authorization, 'content-type': 'text/plain' })).status).toBe(400)
      expect(server.all('reload.started')).toEqual([])
      expect((await wish({ authorization })).status).toBe(200)
      await server.until('reload.done')
    })

    test('on an address that others can reach nothing is told without the token, and a page asks for it', async () => {
      const folder = testFolder({ token: 'a-token-of-our-own-0123\n' })
      const args = [shop, '-b', '127.0.0.1:0', '-w', '1', '--dashboard', '0.0.0.0:0', '--no-control-socket']
      const open = start({ args: [...args, '--dashboard-token-file', join(folder, 'token')] })
      await open.ready()
      const url = await urlOf(open)
      expect(JSON.stringify(open.lines)).not.toContain('a-token-of-our-own')
      const port = Number(new URL(url).port)
      expect((await ask({ port, path: '/events' })).status).toBe(401)
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const page = await context.newPage()
      await page.goto(`http://127.0.0.1:${port}/`)
      await page.getByRole('button', { name: 'give it' }).click()
      for (const token of ['wrong-wrong-wrong-wrong', 'a-token-of-our-own-0123']) {
        expect(await page.locator('[role=treeitem]').count()).toBe(0)
        await page.locator('dialog input').fill(token)
        await page.getByRole('button', { name: 'Use it' }).click()
      }
      await page.locator('[role=treeitem]').first().waitFor()
    })

    test.each([
      [2, ['--dashboard', 'unix:/tmp/x']],
      [2, ['--dashboard', 'localhost']],
      [1, ['--dashboard', '127.0.0.1:0', '--dashboard-token-file', '/nowhere/token']],
      [1, ['--dashboard', '203.0.113.1:1']],
    ])('what cannot be served ends the start with exit code %i: %s', async (code, more) => {
      const server = start({ args: [shop, '-b', '127.0.0.1:0', '-w', '1', '--no-control-socket', ...more] })
      expect((await server.exited).code).toBe(code)
      expect(server.all('worker.booting')).toEqual([])
    })

    test('the page says what it may load, and the browser holds it to that', async () => {
      const { origin } = new URL(await urlOf(server))
      const { headers } = await ask({ port: Number(new URL(origin).port) })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const page = await context.newPage()
      await page.goto(origin)
      await page.locator('[role=treeitem]').first().waitFor()
      const tried = await page.evaluate(async () => {
        const attempts = {
          markup: () => {
            document.body.innerHTML = '<b>no</b>'
          },
          script: () => {
            const script = document.createElement('script')
            script.textContent = 'globalThis.isBroken = true'
            document.body.append(script)
            if (!('isBroken' in globalThis)) throw new Error('it was not run')
          },
          elsewhere: () => fetch('http://127.0.0.1:1/'),
        }
        const held: string[] = []
        for (const [name, attempt] of Object.entries(attempts)) {
          try {
            await attempt()
          } catch {
            held.push(name)
          }
        }
        return held
      })
      expect(tried).toEqual(['markup', 'script', 'elsewhere'])
    })
  })

  describe('for everybody', () => {
    let shared: ReturnType<typeof startShared>
    let server: Running
    beforeAll(() => {
      shared = startShared({ args: shopArgs })
      server = shared.running
    })
    afterAll(() => shared.close())
    const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

    async function faults(page: Page): Promise<string[]> {
      await page.evaluate(await readFile(axePath, 'utf8'))
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> }
        }
        const { violations } = await axe.run()
        return violations
          .filter(({ impact }) => ['serious', 'critical'].includes(impact))
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      })
    }

    test.each(['light', 'dark'] as const)('axe finds no serious fault in any view, in %s', async (scheme) => {
      await server.ready()
      const page = await open(server, { scheme })
      const found: string[] = []
      for (const tab of ['charts', 'traffic', 'requests', 'events', 'autopsies']) {
        await page.locator(`#tab-${tab}`).click()
        found.push(...(await faults(page)).map((fault) => `${tab}: ${fault}`))
      }
      await page.locator('#tab-charts').click()
      await page.keyboard.press('?')
      found.push(...(await faults(page)).map((fault) => `keys: ${fault}`))
      await page.keyboard.press('Escape')
      await picture(page, `dashboard-${scheme}`)
      expect(found).toEqual([])
    })

    test('the keyboard goes everywhere', async () => {
      await server.ready()
      const page = await open(server)
      await page.keyboard.press('j')
      expect(await page.locator('[role=treeitem][aria-selected=true]').getAttribute('data-key')).toMatch(/^worker/)
      await page.keyboard.press('4')
      await page.locator('.line').first().waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type(String(server.workers().get(1)))
      await expect.poll(() => page.locator('[role=treeitem]').count(), patience).toBe(1)
      await page.keyboard.press('Escape')
      await page.keyboard.press('Space')
      expect(await page.locator('#moment').getAttribute('class')).toContain('is-past')
      await page.keyboard.press('Space')
      expect(await page.locator('#moment').getAttribute('class')).not.toContain('is-past')
      await page.keyboard.press('r')
      await page.locator('dialog #confirm').waitFor()
    })

    test('on a phone nothing is wider than the screen, and every view is there', async () => {
      await server.ready()
      const page = await open(server, { width: 390, height: 844 })
      for (const tab of ['charts', 'traffic', 'requests', 'events', 'autopsies', 'processes']) {
        await page.locator(`#tab-${tab}`).click()
        expect([tab, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([tab, 390])
        await picture(page, `dashboard-phone-${tab}`)
      }
      await page.locator('[role=treeitem]').first().waitFor()
    })

    test('those who look on and never read hold up nobody', async () => {
      await server.ready()
      const port = Number(new URL(await urlOf(server)).port)
      const deaf = Array.from({ length: 20 }, () => {
        const socket = connect(port, '127.0.0.1')
        socket.pause()
        socket.on('error', () => undefined)
        socket.write('GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        return socket
      })
      onTestFinished(() => {
        for (const socket of deaf) socket.destroy()
      })
      const page = await open(server)
      const after = server.lines.length
      server.signal('SIGHUP')
      const fresh = await server.until('worker.ready', {}, { after })
      expect(await delayMs(page, fresh, Number(fresh.childPid), 'ready')).toBeLessThan(1_000)
      await server.until('reload.done', {}, { after })
    })
  })

  describe('a recording', () => {
    /** `monoceros replay FILE --open`, for this test. */
    async function replay(path: string): Promise<string> {
      const child = spawn(process.execPath, [cliPath, 'replay', path, '--open'], { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(async () => {
        child.kill('SIGTERM')
        await once(child, 'exit')
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      return /http:\/\/\S+/.exec(String(line))![0]
    }

    test('that survived a SIGKILL of everything is shown on the same page, at its end', async () => {
      const folder = testFolder()
      const path = join(folder, 'flight.jsonl')
      const server = start({ args: [...shopArgs, '--flight-recorder', path] })
      await server.ready()
      // Stopped first: a worker that sees its arbiter die begins to drain.
      const pids = [...new Set([server.pid, ...server.family(), ...server.workers().values()])]
      for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of pids) process.kill(pid, signal)
      await server.exited
      const page = await openPage(browser, await replay(path))
      await expect
        .poll(
          () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>('[role=treeitem]')].map((row) => row.dataset['state'])),
          patience,
        )
        .toEqual(['ready.steady', 'ready', 'ready'])
      expect(await page.locator('#reload').count()).toBe(0)
    })

    test('of 200 workers and 100,000 steps is drawn with a handful of rows, and scrubs', async () => {
      const path = join(testFolder(), 'long.jsonl')
      await writeFile(path, longRecording(200, 100_000))
      const page = await openPage(browser, await replay(path))
      await page.waitForFunction(() => /1000\d\d steps/.test(document.querySelector('.timeline .count')?.textContent ?? ''))
      const rows = () => page.locator('[role=treeitem]').count()
      expect(await page.locator('.processes .count').textContent()).toBe('201')
      expect(await rows()).toBeLessThan(60)
      await page.locator('.spans button').last().click()
      const box = (await page.locator('#timeline').boundingBox())!
      await page.mouse.click(box.x + box.width / 2, box.y + 20)
      expect(await page.locator('#moment').getAttribute('class')).toContain('is-past')
      expect(await rows()).toBeGreaterThan(10)
      await picture(page, 'dashboard-recording')
      await page.locator('#tab-events').click()
      expect(await page.locator('.line').count()).toBeLessThan(60)
      await page.locator('.events input').fill('worker-handle 150 ')
      await expect.poll(async () => Number(await page.locator('#events-count').textContent()), patience).toBeGreaterThan(2)
    })
  })
})
