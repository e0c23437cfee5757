/** The smallest app there is: what is left is the server. @type {import('node:http').RequestListener} */
export default (_req, res) => {
  res.end('hello world\n')
}
