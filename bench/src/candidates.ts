import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mainOf } from './processes.ts'

/** A program between a TCP port and the socket of the upstream. */
export interface Candidate {
  readonly name: string
  /** How it is configured, for the report. */
  readonly note: string
  /** Whether it parses HTTP. One that only relays bytes can neither filter requests nor pool connections. */
  readonly layer: 'http' | 'bytes' | 'none'
  /** Null: there is nothing to start. */
  readonly program: ((where: Where) => Program) | null
  /** What clients speak on its socket `out.sock`, as `outbound` takes it (`bench/floor`). Not set: HTTP on its TCP port. */
  readonly outbound?: string
}

export interface Where {
  /** It listens on 127.0.0.1 at this port, or with `outbound` at `out.sock` in its directory. */
  readonly port: number
  /** Path of the upstream's socket. */
  readonly socket: string
  /** For the candidate's own files. */
  readonly directory: string
}

export interface Program {
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Files to write before the start: name in the directory → content. */
  readonly files?: Readonly<Record<string, string>>
}

export const sidecar: Candidate = {
  name: 'sidecar',
  note: 'a route of kind http; every check, limit, deadline and metric at its default',
  layer: 'http',
  program: (where) => withRoute(where, { kind: 'http', allow: ['GET /bytes/*'] }),
}

const sidecarStream: Candidate = {
  name: 'sidecar stream',
  note: 'a route of kind stream; limits, deadlines and metrics at their defaults',
  layer: 'bytes',
  program: (where) => withRoute(where, { kind: 'stream' }),
}

/** The sidecar with one route that has these settings. @param top settings beside `routes` */
export function withRoute(where: Where, settings: object, top: object = {}): Program {
  return withRoutes(where, settings, 1, top)
}

/** The sidecar with `count` routes, on this port and the ports after it. */
export function withRoutes(
  { port, socket, directory }: Where,
  settings: object,
  count: number,
  top: object = {},
): Program {
  const routes = Array.from({ length: count }, (_, i) => ({
    name: `route-${i}`,
    listen: `tcp://127.0.0.1:${port + i}`,
    upstream: `unix:${socket}`,
    ...settings,
  }))
  return {
    command: [process.execPath, mainOf('sidecar')],
    env: { SIDECAR_CONFIG: join(directory, 'sidecar.yaml'), LOG_LEVEL: 'error' },
    files: { 'sidecar.yaml': JSON.stringify({ ...top, routes }) }, // JSON is YAML
  }
}

export const nginx: Candidate = {
  name: 'nginx',
  note: 'one worker, upstream keepalive 64, X-Forwarded-For, no access log',
  layer: 'http',
  program: (where) => nginxProgram(where),
}

function nginxProgram({ port, socket, directory }: Where, tls: Pem | null = null): Program {
  const config = `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; user root;
events { worker_connections 16000; }
http {
  access_log off; keepalive_requests 100000000; tcp_nodelay on;
  upstream app { server unix:${socket}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ${tls === null ? '' : 'ssl'} backlog=4096;
    ${tls === null ? '' : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.3;`}
    location /bytes/ {
      limit_except GET { deny all; }
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
    }
    location / { return 403; }
  }
}
`
  return {
    command: ['nginx', '-c', join(directory, 'nginx.conf'), '-e', 'stderr'],
    files: { 'nginx.conf': config },
  }
}

export const haproxy: Candidate = {
  name: 'haproxy',
  note: 'mode http, one thread, http-reuse always, forwardfor, allow list, no log',
  layer: 'http',
  program: (where) => haproxyProgram(where, HAPROXY_HTTP),
}

const haproxyTcp: Candidate = {
  name: 'haproxy tcp',
  note: 'mode tcp, one thread, no log',
  layer: 'bytes',
  program: (where) => haproxyProgram(where, 'mode tcp'),
}

const HAPROXY_HTTP = `mode http
  option forwardfor
  http-reuse always
  http-request set-header X-Request-Id %[uuid()]
  http-request deny unless { method GET } { path_beg /bytes/ }`

function haproxyProgram({ port, socket, directory }: Where, mode: string, tls: Pem | null = null): Program {
  const config = `
global
  nbthread 1
  maxconn 8000
  log /dev/null local0
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen main
  bind 127.0.0.1:${port} backlog 4096 ${tls === null ? '' : `ssl crt ${tls.both} ssl-min-ver TLSv1.3`}
  ${mode}
  server app unix@${socket} maxconn 0
`
  return {
    command: ['haproxy', '-db', '-q', '-f', join(directory, 'haproxy.cfg')],
    files: { 'haproxy.cfg': config },
  }
}

/** Each Node proxy is a separate program, because an import that it does not need would change its memory. */
function nodeProxy(name: string, file: string, note: string): Candidate {
  const program = fileURLToPath(new URL(`programs/${file}`, import.meta.url))
  return {
    name,
    note,
    layer: 'http',
    program: ({ port, socket }) => ({ command: [process.execPath, program, `${port}`, socket] }),
  }
}

const socat: Candidate = {
  name: 'socat',
  note: 'fork: one process for each connection',
  layer: 'bytes',
  program: ({ port, socket }) => ({
    command: [
      'socat',
      '-lf/dev/null',
      `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork,backlog=4096,nodelay`,
      `UNIX-CONNECT:${socket}`,
    ],
  }),
}

/** What the load generator and the upstream reach by themselves. */
const direct: Candidate = {
  name: 'direct',
  note: 'no proxy: the upstream itself, over loopback TCP',
  layer: 'none',
  program: null,
}

/** In the order of the report. */
export const CANDIDATES: readonly Candidate[] = [
  sidecar,
  nginx,
  haproxy,
  nodeProxy(
    'undici',
    'undici.ts',
    'node:http before an undici Pool of 64, dispatched by hand, X-Forwarded-For',
  ),
  nodeProxy(
    'node http',
    'http-request.ts',
    'http.request with a keep-alive agent, X-Forwarded-For, bodies piped',
  ),
  nodeProxy('http-proxy', 'http-proxy.ts', 'the npm package, with a keep-alive agent and xfwd'),
  sidecarStream,
  haproxyTcp,
  socat,
  direct,
]

/** Paths of a certificate and its key, and of a file with both, which HAProxy reads. */
export interface Pem {
  readonly certificate: string
  readonly key: string
  readonly both: string
}

/** Those that terminate TLS; they do the rest as without it. */
export function tlsCandidates(tls: Pem): Candidate[] {
  const { certificate, key } = tls
  return [
    {
      ...sidecar,
      program: (where) =>
        withRoute(where, { kind: 'http', allow: ['GET /bytes/*'], tls: { certificate, key } }),
    },
    { ...nginx, program: (where) => nginxProgram(where, tls) },
    { ...haproxy, program: (where) => haproxyProgram(where, HAPROXY_HTTP, tls) },
  ]
}
