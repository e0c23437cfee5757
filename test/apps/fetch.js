/** Routes that succeed, throw, reject, answer nonsense, and break off. */
export default {
  async fetch(request) {
    const url = new URL(request.url)
    if (url.pathname === '/rejects') throw new Error('the handler rejected')
    if (url.pathname === '/nonsense') return 'not a response'
    if (url.pathname === '/breaks') return new Response(brokenStream())
    if (url.pathname === '/waits') return waitForAbort(request.signal)
    if (url.pathname === '/echo') return new Response(await request.text(), { status: 201 })
    return Response.json({ host: url.host, isFast: '_toNodeResponse' in Response.prototype })
  },
}

function brokenStream() {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('half'))
      setTimeout(() => controller.error(new Error('the stream broke')), 20)
    },
  })
}

function waitForAbort(signal) {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      console.log('aborted')
      reject(signal.reason)
    })
  })
}
