import { connect } from 'node:net'
import { Child, type ChildOptions, Perl } from './processes.ts'
import type { StarterMessage, StarterTask } from './programs.ts'

/** Starts a server process. Its first message is `listening` or `failed`. */
export function start(task: StarterTask, options: ChildOptions = {}): Child {
  return new Child('serve', [JSON.stringify(task)], options)
}

/** The next message of a server process, which must be this event. */
export async function expectEvent<E extends StarterMessage['event']>(
  child: Child,
  event: E,
): Promise<Extract<StarterMessage, { event: E }>> {
  const message = await child.next<StarterMessage>()
  if (message.event === event) return message as Extract<StarterMessage, { event: E }>
  throw new Error(`expected ${event}, got ${JSON.stringify(message)}`)
}

/** A server process that listens. */
export async function startListening(task: StarterTask, options: ChildOptions = {}): Promise<Child> {
  const child = start(task, options)
  await expectEvent(child, 'listening')
  return child
}

/** The failure of a start that must fail. */
export async function failureOf(task: StarterTask, options: ChildOptions = {}) {
  await using child = start(task, options)
  return await expectEvent(child, 'failed')
}

/** A live server at `path` that does not know the bind protocol. */
export async function startPlain(path: string, backlog = 511): Promise<Child> {
  const child = new Child('serve-plainly', [path, String(backlog)])
  await child.next()
  return child
}

/** A paused server (SIGSTOP): it accepts no connections, but the kernel queues them. */
export async function startPaused(path: string): Promise<Child> {
  const child = await startPlain(path)
  child.signal('SIGSTOP')
  return child
}

/** A paused server whose queue is full: the kernel refuses the next connection with EAGAIN. */
export async function startFull(path: string): Promise<Child & { readonly waiting: Disposable }> {
  const child = await startPlain(path, 1)
  child.signal('SIGSTOP')
  const sockets = await fillQueue(path)
  const waiting = {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
  return Object.assign(child, { waiting })
}

async function fillQueue(path: string) {
  const sockets = []
  for (;;) {
    const socket = connect(path)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    socket.once('connect', () => resolve(undefined)).once('error', resolve)
    if ((await promise) !== undefined) return sockets
    sockets.push(socket)
  }
}

/** A live datagram socket at `path`. */
export const datagramServer = (path: string): Promise<Perl> =>
  Perl.run('socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); print 1; sleep', path)

/** A socket that is bound at `path`, and listens only after SIGUSR1. */
export const lateServer = (path: string): Promise<Perl> =>
  Perl.run(
    '$SIG{USR1} = sub { listen(S, 8) }; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); print 1; sleep while 1',
    path,
  )

/** Listens on a TCP port, which it prints, with a backlog for one connection, and accepts none. */
export const fullTcpServer = (): Promise<Perl> =>
  Perl.run(
    'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)); listen(S, 0); print((unpack_sockaddr_in(getsockname(S)))[0]); sleep',
  )

/** Holds the flock(2) of a file. */
export const lockHolder = (path: string): Promise<Perl> =>
  Perl.run('sysopen(F, $ARGV[0], O_RDWR | O_CREAT, 0600); flock(F, LOCK_EX); print 1; sleep', path)

/** Puts `file` at `path` and removes it, in an endless loop. */
export const replacer = (file: string, path: string): Promise<Perl> =>
  Perl.run(
    'print 1; for (;;) { link($ARGV[0], "$ARGV[1].r"); rename("$ARGV[1].r", $ARGV[1]); unlink($ARGV[1]) }',
    file,
    path,
  )
