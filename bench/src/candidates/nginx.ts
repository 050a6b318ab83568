import { join } from 'node:path'
import type { Candidate, Where } from './candidate.ts'

export const nginx: Candidate = {
  name: 'nginx',
  note: 'one worker, upstream keepalive 64, X-Forwarded-For, no access log',
  layer: 'http',
  program: (where) => ({
    command: ['nginx', '-c', join(where.directory, 'nginx.conf'), '-e', 'stderr'],
    files: { 'nginx.conf': configOf(where) },
  }),
}

function configOf({ port, socket, directory }: Where): string {
  return `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; user root;
events { worker_connections 16000; }
http {
  access_log off; keepalive_requests 100000000; tcp_nodelay on;
  upstream app { server unix:${socket}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /bytes/ {
      limit_except GET { deny all; }
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
    }
    location / { return 403; }
  }
}
`
}
