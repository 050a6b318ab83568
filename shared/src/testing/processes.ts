import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ProgramName } from './programs.ts'

export interface ChildOptions {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly env?: NodeJS.ProcessEnv
  /** A command, with arguments, that runs Node, such as `['setpriv', '--groups=10100']`. */
  readonly wrapper?: readonly string[]
  readonly nodeArgs?: readonly string[]
  /** Descriptors that the child gets from 4 on; 3 is its channel. */
  readonly descriptors?: readonly number[]
}

const PROGRAMS = fileURLToPath(new URL('./programs.ts', import.meta.url))

/** A Node process that runs one of the programs in `programs.ts` and sends messages; killed at the end of the test. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess
  readonly #messages: unknown[] = []
  readonly #exited: Promise<unknown>
  #stderr = ''
  #hasEnded = false
  #wake = Promise.withResolvers<void>()

  constructor(program: ProgramName, args: readonly string[], options: ChildOptions = {}) {
    const { wrapper = [], nodeArgs = [], descriptors = [], env = {}, uid, gid } = options
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc', ...descriptors] as StdioOptions
    const node = [process.execPath, ...nodeArgs, PROGRAMS, program, ...args]
    const [command = '', ...rest] = [...wrapper, ...node]
    const identity = uid === undefined ? {} : { uid, gid: gid ?? uid }
    this.process = spawn(command, rest, { stdio, env: { ...process.env, ...env }, ...identity })
    this.process.on('message', (message) => {
      this.#messages.push(message)
      this.#notify()
    })
    this.process.stderr?.on('data', (chunk) => {
      this.#stderr += chunk
      this.#notify()
    })
    this.#exited = once(this.process, 'close').then(() => {
      this.#hasEnded = true
      this.#notify()
    })
  }

  get pid(): number {
    return this.process.pid as number
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The next message from the process. @throws Error with its stderr if it ended without one */
  async next<T>(): Promise<T> {
    while (this.#messages.length === 0) {
      if (this.#hasEnded) throw new Error(`the process ended (${this.#ending}): ${this.#stderr}`)
      await this.#wake.promise
    }
    return this.#messages.shift() as T
  }

  /** Resolves when its stderr matches `pattern`. @throws Error if it ended without a match */
  async says(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#stderr)) {
      if (this.#hasEnded) throw new Error(`the process ended (${this.#ending}): ${this.#stderr}`)
      await this.#wake.promise
    }
    return this.#stderr
  }

  send(message: unknown): void {
    this.process.send(message as object)
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals> {
    await this.#exited
    return this.#ending
  }

  /** Ends it with SIGKILL: no handler runs. */
  async crash(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.crash()
  }

  get #ending(): number | NodeJS.Signals {
    return this.process.exitCode ?? this.process.signalCode ?? -1
  }

  #notify(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

/**
 * Arguments for a Node without node:ffi, which locks by flock(1) and knows no peer. Empty if this Node has no node:ffi
 * anyway: an unknown option would end it.
 */
export const WITHOUT_FFI: readonly string[] = process.allowedNodeEnvironmentFlags.has('--experimental-ffi')
  ? ['--no-experimental-ffi']
  : []

const LISTENING =
  'socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un($path)) and listen(S, 8) or die $!;'

/** Sockets that a socket unit may pass by mistake, or for another endpoint: Perl statements that make the socket S. */
export const WRONG_SOCKETS = {
  'does not listen': 'socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un($path)) or die $!;',
  'is no stream socket (datagram)':
    'socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, pack_sockaddr_un($path)) or die $!;',
  'is of another kind (ipv4)':
    'socket(S, AF_INET, SOCK_STREAM, 0) and bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) and listen(S, 8) or die $!;',
  'is no socket': 'open(S, "<", "/dev/null") or die $!;',
} as const

/**
 * A wrapper for `Child` that does what systemd does for a socket unit: binds `path`, listens, puts the socket at
 * descriptor 4 (3 is the channel to the test), sets LISTEN_PID to its own pid, and execs the program. In Perl, because
 * every Debian has it and Node cannot exec.
 * @param make other statements that make the socket S, such as one of {@link WRONG_SOCKETS}
 */
export function socketUnit(path: string, make: string = LISTENING): readonly string[] {
  const script = `
    $^F = 255; my $path = shift;
    ${make}
    dup2(fileno(S), 4) or die $!;
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, "channel:api");
    exec @ARGV;`
  return ['perl', '-MSocket', '-MPOSIX=dup2', '-e', script, path]
}

/** A socket that {@link socketUnits} passes on. */
export interface PassedSocket {
  /** `FileDescriptorName=` */
  readonly name: string
  /** Perl statements that make the socket S from `$path`. Default: it listens on `path`. */
  readonly make?: string
  readonly path?: string
}

/**
 * A wrapper like {@link socketUnit}, for several sockets: as systemd does it, from descriptor 3 on.
 * @param pid LISTEN_PID, in Perl. Default: that of the program
 */
export function socketUnits(sockets: readonly PassedSocket[], pid = '$$'): readonly string[] {
  const script = `
    $^F = 255; my @sockets;
    ${sockets.map(({ make = LISTENING }) => `{ local *S; my $path = shift; ${make} push @sockets, *S{IO}; }`).join('\n')}
    dup2(fileno($sockets[$_]), 100 + $_) or die $! for 0 .. $#sockets;
    for (0 .. $#sockets) { dup2(100 + $_, 3 + $_) or die $!; POSIX::close(100 + $_) }
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = (${pid}, scalar @sockets, shift);
    exec @ARGV;`
  const paths = sockets.map(({ path = '' }) => path)
  const names = sockets.map(({ name }) => name).join(':')
  return ['perl', '-MSocket', '-MPOSIX=dup2', '-e', script, ...paths, names]
}

/** A process that runs a Perl script. It is ready once it has printed something, and killed at the end of the test. */
export class Perl implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  /** The first text that it printed. */
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
