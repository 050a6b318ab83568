import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process of another language, in a few lines; ready when it has printed something, killed at the end of the test. */
export class Perl implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  /** What it printed first. */
  said = ''

  private constructor(script: string, args: readonly string[]) {
    const options = ['-MSocket', '-MFcntl=:DEFAULT,:flock', '-e', `$| = 1; ${script}`, ...args]
    this.#process = spawn('perl', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#exited = once(this.#process, 'close')
  }

  static async run(script: string, ...args: readonly string[]): Promise<Perl> {
    const perl = new Perl(script, args)
    const [said] = await once(perl.#process.stdout as NodeJS.EventEmitter, 'data')
    perl.said = String(said)
    return perl
  }

  get pid(): number {
    return this.#process.pid as number
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }
}

/** A live datagram socket at `path`. */
export const datagramServer = (path: string): Promise<Perl> =>
  Perl.run('socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); print 1; sleep', path)

/** A socket at `path` that is bound, and on which nobody listens until SIGUSR1. */
export const lateServer = (path: string): Promise<Perl> =>
  Perl.run(
    '$SIG{USR1} = sub { listen(S, 8) }; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); print 1; sleep while 1',
    path,
  )

/** Listens on a TCP port, which it says, with room for one connection, and accepts none. */
export const fullTcpServer = (): Promise<Perl> =>
  Perl.run(
    'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)); listen(S, 0); print((unpack_sockaddr_in(getsockname(S)))[0]); sleep',
  )

/** Holds the flock(2) of a file. */
export const lockHolder = (path: string): Promise<Perl> =>
  Perl.run('sysopen(F, $ARGV[0], O_RDWR | O_CREAT, 0600); flock(F, LOCK_EX); print 1; sleep', path)

/** Puts `file` at `path` and takes it away, without a pause. */
export const replacer = (file: string, path: string): Promise<Perl> =>
  Perl.run(
    'print 1; for (;;) { link($ARGV[0], "$ARGV[1].r"); rename("$ARGV[1].r", $ARGV[1]); unlink($ARGV[1]) }',
    file,
    path,
  )
