import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Candidate, Pem, Program, Where } from './candidates.ts'
import { untilAccepting } from './connections.ts'
import { BODIES, type Ground, OUT, pathOf, UPLOAD } from './ground.ts'
import { LOAD_CPU, mainOf, Started } from './processes.ts'

/** A download that is long enough for the bytes of its tunnel to count, and not its messages. */
export const LONG_BODY = 1024 * 1024

const HOST = 'localhost'
const PORT = 9_443

/** Starts the upstream of the way out: an nginx that serves the bodies over TLS, and takes bodies of any size. */
export async function startPartner(pem: Pem, directory: string): Promise<Ground> {
  mkdirSync(join(directory, 'www/bytes'), { recursive: true })
  for (const bytes of [...BODIES, LONG_BODY])
    writeFileSync(join(directory, 'www', pathOf(bytes)), Buffer.alloc(bytes, 'x'))
  const config = join(directory, 'partner.conf')
  writeFileSync(config, configOf(pem, directory))
  const nginx = new Started(['nginx', '-c', config, '-e', 'stderr'], LOAD_CPU)
  await untilAccepting({ host: '127.0.0.1', port: PORT })
  return { directory, socket: '', port: PORT, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() }
}

function configOf({ certificate, key }: Pem, directory: string): string {
  return `
daemon off; worker_processes 1; pid ${directory}/partner.pid; user root;
events { worker_connections 16000; }
http {
  access_log off; sendfile off; output_buffers 1 32k; open_file_cache max=10; client_max_body_size 0;
  keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  default_type "text/plain; version=0.0.4";
  server {
    listen 127.0.0.1:${PORT} ssl backlog=4096; root ${directory}/www;
    ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_cache shared:sessions:1m;
    location = ${UPLOAD} { return 200 "ok"; }
  }
}
`
}

/** Those that speak HTTP on a socket and TLS to the upstream, whose certificate they check. */
export function tlsOriginators(pem: Pem): Candidate[] {
  return [
    {
      name: 'sidecar',
      note: 'kind http with upstreamTls; every check, limit, deadline and metric at its default',
      layer: 'http',
      outbound: 'http',
      program: (where) =>
        sidecarWith(where, {
          kind: 'http',
          upstream: `tcp://${HOST}:${PORT}`,
          upstreamTls: { ca: pem.certificate },
          allow: ['GET /bytes/*'],
        }),
    },
    {
      name: 'nginx',
      note: 'proxy_ssl with proxy_ssl_verify and proxy_ssl_session_reuse, one worker, keepalive 64, no access log',
      layer: 'http',
      outbound: 'http',
      program: (where) => nginxWith(where, pem),
    },
  ]
}

/** Those that carry the TLS of their clients as it is. */
export const TUNNELS: readonly Candidate[] = [
  {
    name: 'sidecar',
    note: 'kind connect; the name in the ClientHello is checked; deadlines and metrics at their defaults',
    layer: 'bytes',
    outbound: `${HOST}:${PORT}`,
    program: (where) =>
      sidecarWith(where, {
        kind: 'connect',
        allow: [`CONNECT ${HOST}:${PORT}`],
        allowAddresses: ['127.0.0.1/32'],
        limits: { connections: 15_000, connectionsPerAddress: 15_000, tunnels: 15_000 },
      }),
  },
  {
    name: 'haproxy',
    note: 'mode tcp, one thread, no log',
    layer: 'bytes',
    outbound: 'tls',
    program: haproxyWith,
  },
]

function sidecarWith({ directory }: Where, settings: object): Program {
  const route = { name: 'out', listen: `unix:${join(directory, OUT)}`, ...settings }
  return {
    command: [process.execPath, mainOf('sidecar')],
    env: { SIDECAR_CONFIG: join(directory, 'sidecar.yaml'), LOG_LEVEL: 'error' },
    files: { 'sidecar.yaml': JSON.stringify({ routes: [route] }) }, // JSON is YAML
  }
}

function nginxWith({ directory }: Where, pem: Pem): Program {
  const config = `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; user root;
events { worker_connections 16000; }
http {
  access_log off; keepalive_requests 100000000; tcp_nodelay on;
  upstream partner { server 127.0.0.1:${PORT}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen unix:${join(directory, OUT)} backlog=4096;
    location /bytes/ {
      limit_except GET { deny all; }
      proxy_pass https://partner; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host ${HOST}:${PORT}; proxy_set_header X-Request-Id $request_id;
      proxy_ssl_verify on; proxy_ssl_trusted_certificate ${pem.certificate}; proxy_ssl_session_reuse on;
      proxy_ssl_name ${HOST}; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.2 TLSv1.3;
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

function haproxyWith({ directory }: Where): Program {
  const config = `
global
  nbthread 1
  maxconn 9900
  log /dev/null local0
defaults
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen main
  bind unix@${join(directory, OUT)} backlog 4096
  mode tcp
  server partner 127.0.0.1:${PORT} maxconn 0
`
  return {
    command: ['haproxy', '-db', '-q', '-f', join(directory, 'haproxy.cfg')],
    files: { 'haproxy.cfg': config },
  }
}
