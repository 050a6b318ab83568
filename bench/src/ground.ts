import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Candidate, Program, Where } from './candidates.ts'
import { untilAccepting } from './connections.ts'
import { CANDIDATE_CPU, LOAD_CPU, Started } from './processes.ts'
import { type Usage, usageOf } from './usage.ts'

/** Body sizes: almost nothing, and as much as the app's metrics. */
export const BODIES = [4, 11_264] as const

export const LARGE_BODY = 100 * 1024 * 1024

/** The upstream of every candidate. */
export interface Ground extends AsyncDisposable {
  readonly directory: string
  /** Path of its socket, for candidates. */
  readonly socket: string
  /** Its TCP port, for load without a candidate. */
  readonly port: number
}

export function pathOf(bytes: number): string {
  return `/bytes/${bytes}`
}

/** Where the upstream of the way out takes bodies of any size. */
export const UPLOAD = '/bytes/upload'

/** Starts an nginx that serves the bodies over a Unix socket, each response in one write as an app would. */
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

/** The socket of a candidate with `outbound`, in its directory. */
export const OUT = 'out.sock'

export interface Running extends AsyncDisposable {
  readonly candidate: Candidate
  readonly port: number
  /** Where a candidate with `outbound` listens. */
  readonly out: string
  usage(): Usage
  /** Called before each round. Not set: there is nothing to do. */
  prepare?(): Promise<void>
}

/** Starts a candidate in front of the upstream and waits until it accepts connections. */
export async function start(candidate: Candidate, ground: Ground, port: number): Promise<Running> {
  if (candidate.program === null) return nothing(candidate, ground.port)
  const directory = join(ground.directory, `${port}`)
  const out = join(directory, OUT)
  const started = startProgram(candidate.program({ port, socket: ground.socket, directory }), directory)
  await untilAccepting(candidate.outbound === undefined ? { host: '127.0.0.1', port } : { path: out })
  const usage = () => usageOf(started.pid)
  return { candidate, port, out, usage, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

/** Writes a program's files and starts it on the candidate's processor. */
export function startProgram({ command, env, files = {} }: Program, directory: Where['directory']): Started {
  mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return new Started(command, CANDIDATE_CPU, env)
}

function nothing(candidate: Candidate, port: number): Running {
  return {
    candidate,
    port,
    out: '',
    usage: () => ({ cpuUs: 0, rssBytes: 0 }),
    async [Symbol.asyncDispose]() {},
  }
}
