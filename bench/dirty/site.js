/** An HTTP app beside the dirty pool: a fast route, and one that tells callers of other processes where the pool is. */

/** @type {import('node:http').RequestListener} */
export default (req, res) => {
  res.end(req.url === '/dirty-socket' ? process.env.MONOCEROS_DIRTY_SOCKET : 'hello world\n')
}
