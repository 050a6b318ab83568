import { fileURLToPath } from 'node:url'
import type { Candidate } from './candidate.ts'

export const nodeHttp = nodeProxy(
  'node http',
  'http-request.ts',
  'http.request with a keep-alive agent, X-Forwarded-For, bodies piped',
)

export const httpProxy = nodeProxy(
  'http-proxy',
  'http-proxy.ts',
  'the npm package, with a keep-alive agent and xfwd',
)

export const undici = nodeProxy(
  'undici',
  'undici.ts',
  'node:http before an undici Pool of 64, dispatched by hand, X-Forwarded-For',
)

function nodeProxy(name: string, file: string, note: string): Candidate {
  const program = fileURLToPath(new URL(`../proxies/${file}`, import.meta.url))
  return {
    name,
    note,
    layer: 'http',
    program: ({ port, socket }) => ({ command: [process.execPath, program, `${port}`, socket] }),
  }
}
