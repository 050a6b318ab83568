import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, stat } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { type Ended, image } from './engine.ts'
import { runToEnd } from './own-container.ts'
import { runDirectory } from './run.ts'
import { ownStack, type Stack } from './stack.ts'

/** A file of examples/docker-socket, without `.yaml`. */
export type Recipe = 'read-only' | 'exec' | 'build'

/** The engine's own socket, as DOCKER_HOST says. */
export const ENGINE_SOCKET =
  /^unix:\/\/(.+)/.exec(process.env.DOCKER_HOST ?? '')?.[1] ?? '/var/run/docker.sock'

/** The stack of examples/docker-socket with one of its recipes. */
export interface FilteredEngine {
  readonly stack: Stack
  /** The route, as a path of this machine. */
  readonly socketPath: string
  /** The docker CLI of this machine with this route as its engine. */
  docker(...command: string[]): Cli
}

/**
 * @param t the test that it is for: it is removed after that
 * @param env more variables for the Compose file
 */
export async function filteredEngine(
  t: TestContext,
  recipe: Recipe,
  env: Readonly<Record<string, string>> = {},
): Promise<FilteredEngine> {
  const directory = await runDirectory()
  await giveToSidecar(directory.path)
  const stack = await ownStack(t, {
    file: 'examples/docker-socket/compose.yaml',
    overlays: ['docker-socket-on-this-machine'],
    env: {
      RECIPE: recipe,
      DOCKER_SOCKET: ENGINE_SOCKET,
      DOCKER_GID: String((await stat(ENGINE_SOCKET)).gid),
      ENGINE_DIRECTORY: directory.path,
      ENGINE_GROUP: String(process.getgid?.()),
      ...env,
    },
  })
  t.after(() => directory[Symbol.asyncDispose]())
  const socketPath = directory.at('docker.sock')
  return {
    stack,
    socketPath,
    docker: (...command) => docker(command, { DOCKER_HOST: `unix://${socketPath}` }),
  }
}

/** Its group, which is that of this process, may still connect and clean up. */
async function giveToSidecar(path: string): Promise<void> {
  await chmod(path, 0o2770)
  const { exitCode, stderr } = await runToEnd({
    image: image('redis'),
    user: '0:0',
    capabilities: ['CHOWN'],
    mounts: [`${path}:/directory`],
    entrypoint: ['chown', '10002', '/directory'],
  })
  if (exitCode !== 0) throw new Error(stderr)
}

type Environment = Readonly<Record<string, string>>

/** Starts the docker CLI of this machine. @param env without DOCKER_HOST it uses the engine itself */
export function docker(command: readonly string[], env: Environment = {}): Cli {
  return new Cli('docker', command, env)
}

/** The same in a terminal with 40 rows and 100 columns: what that shows is `stdout`. */
export function dockerInTerminal(command: readonly string[], env: Environment): Cli {
  const line = `stty rows 40 cols 100; exec docker ${command.map(quoted).join(' ')}`
  return new Cli('script', ['--quiet', '--return', '--command', line, '/dev/null'], env)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

const TIMEOUT_MS = 120_000

/** A program that runs, and what it has written so far. */
export class Cli {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #closed: Promise<unknown[]>
  #stdout = ''
  #stderr = ''
  #wake = Promise.withResolvers<void>()

  constructor(program: string, command: readonly string[], env: Environment) {
    this.#child = spawn(program, command, {
      env: { ...process.env, BUILDX_BUILDER: 'default', ...env },
      timeout: TIMEOUT_MS,
    })
    this.#closed = once(this.#child, 'close')
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.stdin.on('error', () => undefined) // it may end without reading
  }

  /** Resolves once this was written to stdout. @throws when the program ends without it */
  async says(text: string): Promise<this> {
    const closed = this.#closed.then(() => true)
    while (!this.#stdout.includes(text)) {
      const isOver = await Promise.race([closed, this.#wake.promise])
      if (isOver && !this.#stdout.includes(text))
        throw new Error(`it did not say ${JSON.stringify(text)}: ${this.#stdout}${this.#stderr}`)
    }
    return this
  }

  type(keys: string): this {
    this.#child.stdin.write(keys)
    return this
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Ends its stdin, and waits until it has ended. */
  ended(stdin = ''): Promise<Ended> {
    this.#child.stdin.end(stdin)
    return this.left()
  }

  /** The same with its stdin left open, as a terminal is. */
  async left(): Promise<Ended> {
    const [exitCode] = await this.#closed
    return {
      stdout: this.#stdout,
      stderr: this.#stderr,
      exitCode: typeof exitCode === 'number' ? exitCode : -1,
    }
  }
}
