import { join } from 'node:path'
import type { Candidate, Where } from './candidate.ts'

export const haproxy: Candidate = {
  name: 'haproxy',
  note: 'mode http, one thread, http-reuse always, forwardfor, allow list, no log',
  layer: 'http',
  program: (where) => program(where, HTTP),
}

export const haproxyTcp: Candidate = {
  name: 'haproxy tcp',
  note: 'mode tcp, one thread, no log',
  layer: 'bytes',
  program: (where) => program(where, 'mode tcp'),
}

const HTTP = `mode http
  option forwardfor
  http-reuse always
  http-request set-header X-Request-Id %[uuid()]
  http-request deny unless { method GET } { path_beg /bytes/ }`

function program({ port, socket, directory }: Where, mode: string) {
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
  bind 127.0.0.1:${port} backlog 4096
  ${mode}
  server app unix@${socket} maxconn 0
`
  return {
    command: ['haproxy', '-db', '-q', '-f', join(directory, 'haproxy.cfg')],
    files: { 'haproxy.cfg': config },
  }
}
