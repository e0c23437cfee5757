/** What `npm start` serves the shop with; every line is a setting of docs/reference/settings.md. */
const port = process.env.PORT ?? '8000'

export default {
  bind: [`127.0.0.1:${port}`],
  workers: 2,
  dirtyApps: ['docs/examples/shop/sources.js:SourceApp', 'docs/examples/shop/reports.js:ReportApp'],
  dirtyWorkers: 2,
  dashboard: '127.0.0.1:0',
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
    curl '${shop}/highlight?name=app.js' --data-binary @docs/examples/shop/app.js -o app.html   in a dirty worker
    curl ${shop}/report                             a stream from a dirty worker; leave it, and it stops
    ps --forest -eo pid,args | grep '[m]onoceros: '   which process is which

  And in a browser:
    ${shop}/heavy   how fast the shop stays while heavy work is done
    ${arbiter.dashboard}   the dashboard: watch all of this happen
`)
  },
}
