export default async function handle(request, response) {
  if (request.url === '/late') response.write('half')
  if (request.url === '/late' || request.url === '/rejects') throw new Error('the handler rejected')
  response.end('node')
}
