import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import type { Container, ContainerInspectInfo, HostConfig } from 'dockerode'
import { type Ended, engine, exec, logOf } from './engine.ts'
import { type Insider, inside, type Json, nodeCommand } from './inside.ts'
import { RUN_LABEL, runId } from './run.ts'

/** What a container beside the stack may be and see; hardened as compose.yaml does it, unless said otherwise. */
export interface Box {
  readonly image: string
  /** `uid:gid`. Default: the image's. */
  readonly user?: string
  readonly groups?: readonly (string | number)[]
  /** What it keeps of a container's usual capabilities. Default: none. */
  readonly capabilities?: readonly string[]
  /** `volume:/path` or `volume:/path:ro`. */
  readonly mounts?: readonly string[]
  /** Directories that it may write to, in memory. */
  readonly scratch?: readonly string[]
  /** Default: none. */
  readonly network?: string
  /** Sees the processes of this container (its name or id) beside its own. Default: none. */
  readonly processesOf?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly sysctls?: Readonly<Record<string, string>>
  /** What a client attaches to: a stdin that ends when the first client leaves, or a terminal. Default: neither. */
  readonly input?: 'stdin' | 'terminal'
  /** The text of a seccomp profile, or `unconfined`. Default: the engine's. */
  readonly seccomp?: string
}

/** A container that is not started yet; the run's sweep removes it if nobody does. */
export function createContainer(box: Box, withStdin = false): Promise<Container> {
  const { image, user, entrypoint, command, env = {}, input } = box
  return engine.createContainer({
    Image: image,
    ...(user === undefined ? {} : { User: user }),
    ...(entrypoint === undefined ? {} : { Entrypoint: [...entrypoint] }),
    ...(command === undefined ? {} : { Cmd: [...command] }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    HostConfig: hostConfigOf(box),
    Labels: { [RUN_LABEL]: runId() },
    AttachStdin: withStdin,
    OpenStdin: withStdin || input !== undefined,
    StdinOnce: withStdin || input === 'stdin',
    Tty: input === 'terminal',
  })
}

function hostConfigOf(box: Box): HostConfig {
  const { groups = [], capabilities = [], mounts = [], scratch = [], network = 'none', sysctls = {} } = box
  const { processesOf, seccomp } = box
  return {
    ...(processesOf === undefined ? {} : { PidMode: `container:${processesOf}` }),
    Binds: [...mounts],
    CapAdd: [...capabilities],
    CapDrop: ['ALL'],
    GroupAdd: groups.map(String),
    Init: true,
    Memory: 256 * 1024 * 1024,
    NetworkMode: network,
    PidsLimit: 128,
    ReadonlyRootfs: true,
    SecurityOpt: ['no-new-privileges:true', ...(seccomp === undefined ? [] : [`seccomp=${seccomp}`])],
    Sysctls: { ...sysctls },
    Tmpfs: Object.fromEntries(scratch.map((path) => [path, 'mode=1777'])),
  }
}

/** As stop_grace_period in compose.yaml. */
const STOP_SECONDS = 15

/** Of what ran in a container when that ended: it is killed with the rest. */
const KILLED_ALONG = 137

/** A container by its name, looked up each time, so that it may be recreated meanwhile. */
export class ContainerHandle implements Insider {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  get container(): Container {
    return engine.getContainer(this.name)
  }

  inspect(): Promise<ContainerInspectInfo> {
    return this.container.inspect()
  }

  /** `healthy`, `starting` or `unhealthy` while it runs; else the state it is in, such as `exited`. */
  async condition(): Promise<string> {
    const { State } = await this.inspect()
    return State.Running ? (State.Health?.Status ?? State.Status) : State.Status
  }

  /** Which process of which container it is: another one after a restart, a recreation or a crash. */
  async incarnation(): Promise<string> {
    const { Id, State } = await this.inspect()
    return `${Id.slice(0, 12)} started ${State.StartedAt} as process ${State.Pid}`
  }

  exec(...command: string[]): Promise<Ended> {
    return exec(this.container, command)
  }

  inside<Args extends readonly Json[], Result>(work: (...args: Args) => Result, ...args: Args) {
    return inside(this.container, work, ...args)
  }

  /** A file of the container, as its user sees it. Our images have Node and nothing else to read it with. */
  async read(path: string): Promise<string> {
    const { Config } = await this.inspect()
    const isOurs = [Config.Entrypoint].flat()[0] === 'node'
    const { exitCode, stdout, stderr } = await this.exec(
      ...(isOurs ? nodeCommand(print, path) : ['cat', path]),
    )
    if (exitCode !== 0) throw new Error(stderr)
    return stdout
  }

  /** Makes an empty file, as its user, unless one exists. */
  async touch(path: string): Promise<void> {
    await this.inside(async (path) => {
      const { appendFile } = await import('node:fs/promises')
      await appendFile(path, '')
    }, path)
  }

  log(): Promise<string> {
    return logOf(this.container)
  }

  async start(): Promise<void> {
    await this.container.start()
  }

  /** SIGTERM, then enough time to drain. @returns the exit code */
  async stop(): Promise<number> {
    await this.container.stop({ t: STOP_SECONDS })
    const { State } = await this.inspect()
    return State.ExitCode
  }

  /** To its first process, which is an init that passes it on. */
  async signal(name: NodeJS.Signals): Promise<void> {
    await this.container.kill({ signal: name })
  }

  /**
   * Stops every process of it where it is. Asked until it is done: on a busy machine runc may give up before the kernel
   * has frozen a process that is about to fork ("unable to freeze").
   */
  async pause(): Promise<void> {
    await eventuallyPasses(() => this.container.pause())
  }

  async unpause(): Promise<void> {
    await this.container.unpause()
  }

  /** As the out-of-memory killer does it. The engine takes it as asked for and does not restart the container. */
  async kill(): Promise<void> {
    await this.container.kill({ signal: 'SIGKILL' })
    await this.container.wait()
  }

  /**
   * Kills the service's process from within, as a segmentation fault would end it, so that the engine's restart policy
   * applies: it does not to what is killed through the engine.
   */
  async crash(): Promise<void> {
    const { exitCode, stderr } = await this.exec(...nodeCommand(killService))
    if (exitCode !== 0 && exitCode !== KILLED_ALONG) throw new Error(`cannot crash ${this.name}: ${stderr}`)
  }
}

async function print(path: string): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  process.stdout.write(await readFile(path))
}

async function killService(): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  const children = await readFile('/proc/1/task/1/children', 'utf8')
  process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL')
}
