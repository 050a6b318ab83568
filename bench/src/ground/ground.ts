import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CPU } from '../process/pin.ts'
import { Started } from '../process/started.ts'
import { untilAccepting } from '../process/until.ts'

/** The sizes of a body: next to nothing, and what the app's metrics are. */
export const BODIES = [4, 11_264] as const

export const LARGE_BODY = 100 * 1024 * 1024

export interface Ground extends AsyncDisposable {
  readonly directory: string
  /** The upstream of every candidate. */
  readonly socket: string
  /** The same upstream without anything before it. */
  readonly port: number
}

export function pathOf(bytes: number): string {
  return `/bytes/${bytes}`
}

/** An nginx that serves bodies of a few sizes over a Unix socket, each answer in one write as an app would. */
export async function startGround(directory = '/run/bench'): Promise<Ground> {
  const ground = { directory, socket: join(directory, 'upstream.sock'), port: 10_000 }
  mkdirSync(join(directory, 'www/bytes'), { recursive: true })
  for (const bytes of [...BODIES, LARGE_BODY])
    writeFileSync(join(directory, 'www', pathOf(bytes)), Buffer.alloc(bytes, 'x'))
  const config = join(directory, 'upstream.conf')
  writeFileSync(config, configOf(ground))
  const nginx = new Started(['nginx', '-c', config, '-e', 'stderr'], LOAD_CPU)
  await untilAccepting({ path: ground.socket })
  return { ...ground, [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose]() }
}

function configOf({ directory, socket, port }: Omit<Ground, keyof AsyncDisposable>): string {
  return `
daemon off; worker_processes 1; pid ${directory}/upstream.pid; user root;
events { worker_connections 16000; }
http {
  access_log off; sendfile off; output_buffers 1 32k; open_file_cache max=10;
  keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  default_type "text/plain; version=0.0.4";
  server { listen unix:${socket} backlog=4096; listen 127.0.0.1:${port} backlog=4096; root ${directory}/www; }
}
`
}
