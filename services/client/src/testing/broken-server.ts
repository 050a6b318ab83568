import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Temporary extends AsyncDisposable {
  readonly directory: string
}

export async function temporaryDirectory(): Promise<Temporary> {
  const directory = await mkdtemp(join(tmpdir(), 'doctor-'))
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}

/** A server in this process that calls `handle` for each connection. */
export async function serve(at: string | number, handle: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()).resume()
    handle(socket)
  })
  await once(typeof at === 'string' ? server.listen(at) : server.listen(at, '127.0.0.1'), 'listening')
  return server
}

/** A server on a socket of this mode, in a directory that every user may pass. It sends `response` and closes. */
export async function serveWithMode(mode: number, response = '') {
  const temporary = await temporaryDirectory()
  await chmod(temporary.directory, 0o755)
  const path = join(temporary.directory, 'a.sock')
  const server = await serve(path, (socket) => socket.end(response))
  await chmod(path, mode)
  const end = async () => {
    await server[Symbol.asyncDispose]()
    await temporary[Symbol.asyncDispose]()
  }
  return { path, [Symbol.asyncDispose]: end }
}

/** A server on `a.sock` in a directory of this mode, which is inside one that every user may pass. */
export async function serveInDirectoryWithMode(mode: number) {
  const temporary = await temporaryDirectory()
  await chmod(temporary.directory, 0o755)
  const inner = join(temporary.directory, 'closed')
  await mkdir(inner)
  const server = await serve(join(inner, 'a.sock'), (socket) => socket.end())
  await chmod(inner, mode)
  const end = async () => {
    await chmod(inner, 0o700)
    await server[Symbol.asyncDispose]()
    await temporary[Symbol.asyncDispose]()
  }
  return { outer: temporary.directory, inner, [Symbol.asyncDispose]: end }
}

/** Leaves a stale socket, as a crash does. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const server = await serve(`${path}.bound`, (socket) => socket.destroy())
  await rename(`${path}.bound`, path)
  await server[Symbol.asyncDispose]()
}

const LISTEN = `
  const at = process.argv[1]
  require('node:net').createServer().listen({ ...JSON.parse(at), backlog: 1 }, function () {
    console.log(JSON.stringify(this.address()))
  })`

export interface Paused extends AsyncDisposable {
  /** From `server.address()`. */
  readonly address: string | { readonly port: number }
}

/** A process that listens with a backlog of 1, and is stopped by SIGSTOP before it accepts a connection. */
export async function startPausedServer(
  at: { path: string } | { host: string; port: number },
): Promise<Paused> {
  const child = spawn(process.execPath, ['-e', LISTEN, JSON.stringify(at)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const end = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { address: JSON.parse(String(line)), [Symbol.asyncDispose]: end }
}

/** Connects until the backlog is full: the kernel queues at most one connection more than the backlog. */
export async function fillBacklog(to: { path: string } | { port: number }): Promise<Disposable> {
  const sockets = Array.from({ length: 4 }, () =>
    connect({ host: '127.0.0.1', ...to }).on('error', () => undefined),
  )
  await once(sockets[0] as Socket, 'connect')
  return { [Symbol.dispose]: () => sockets.forEach((socket) => void socket.destroy()) }
}
