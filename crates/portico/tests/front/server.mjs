// Stands in for the standalone server: the same contract (socket, environment, end of
// standard input), pages that show what the tests ask about.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs'
import http from 'node:http'

const life = existsSync('lives') ? Number(readFileSync('lives', 'utf8')) + 1 : 1
writeFileSync('lives', String(life))
let rendered = 0
let aborted = 0
const held = []
const seen = new Map()
const wanted = new Map()

const html = (response, body, headers = {}) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'x-powered-by': 'Next.js', ...headers })
  response.end(body)
}
const nonceOf = (request) => /'nonce-([^']+)'/.exec(request.headers['content-security-policy'] ?? '')?.[1]

const pages = {
  '/app': (request, response) =>
    html(response, `<script nonce="${nonceOf(request)}">1</script>`, { etag: '"upstream"', 'content-security-policy': 'default-src *' }),
  '/headers': (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.headers))
  },
  '/env': (_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ env: process.env, uid: process.getuid(), args: process.execArgv, cwd: process.cwd() }))
  },
  '/pricing': (request, response) => {
    rendered += 1
    html(response, `<p>rendering ${rendered} of life ${life}</p><p>cookie ${request.headers.cookie ?? 'none'}</p>` +
      '<p>stone, sea and terracotta</p>'.repeat(200) + '<script>self.__next_f=[]</script>', { link: '</a.woff2>; rel=preload' })
  },
  '/legal/session': (_, response) => html(response, 'yours alone', { 'set-cookie': 'a=b' }),
  '/built': (_, response) => html(response, '<script>built()</script>', { 'x-nextjs-prerender': '1', etag: '"b"' }),
  '/stream': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.write('<p>first</p>')
    held.push(() => response.end('<p>last</p>'))
  },
  '/release': (_, response) => {
    held.splice(0).forEach((end) => end())
    response.end('released')
  },
  '/events': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: 1\n\n')
    response.on('close', () => { aborted += 1; held.splice(0).forEach((tell) => tell()) })
  },
  '/aborted': (_, response) => {
    const tell = () => response.end(String(aborted))
    aborted > 0 ? tell() : held.push(tell)
  },
  // Answers when the path has been asked for.
  '/seen': (request, response) => {
    const path = new URL(request.url, 'http://x').searchParams.get('path')
    const tell = () => response.end(JSON.stringify(seen.get(path)))
    seen.has(path) ? tell() : wanted.set(path, tell)
  },
  '/hang': () => { for (;;); },
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://x')
  if (!seen.has(pathname)) {
    seen.set(pathname, request.headers)
    wanted.get(pathname)?.()
  }
  const page = pages[pathname]
  if (page) return page(request, response)
  response.writeHead(404, { 'content-type': 'text/html' })
  response.end('no such page')
})
const listen = () => server.listen(process.env.PORTICO_SOCKET, () => console.log('listening', createHash('md5').update('x').digest('hex').length))

// A later life waits for the gate, so that a test can look at the time between.
if (life === 1 || !existsSync('gated') || existsSync('gate')) listen()
else {
  const watcher = watch('.', () => { if (existsSync('gate')) { watcher.close(); listen() } })
  if (existsSync('gate')) { watcher.close(); listen() }
}

process.stdin.on('end', () => process.exit(0)).resume()
process.on('SIGTERM', () => process.exit(0))
