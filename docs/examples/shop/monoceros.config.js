/** What `npm start` serves the shop with; every line is a setting of docs/reference/settings.md. */
const port = process.env.PORT ?? '8000'

export default {
  bind: [`127.0.0.1:${port}`],
  workers: 2,
  accesslog: '-',
  logFormat: 'text',
  whenReady(arbiter) {
    const shop = `http://${arbiter.address[0]}`
    console.log(`
  The shop is open at ${shop}

  Things to try in another terminal:
    curl '${shop}/api/search?q=copper'             something useful
    curl '${shop}/slow?ms=5000' & kill -HUP ${arbiter.pid}   a reload while a request is under way: it is answered
    curl '${shop}/cpu?ms=3000' & curl ${shop}/pid     one worker burns, the other answers; the log tells where it burnt
    curl ${shop}/crash                              a worker dies; it is replaced, and the log says why
    ps --forest -o pid,args --pid ${arbiter.pid} --ppid ${arbiter.pid}
`)
  },
}
