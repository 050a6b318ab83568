import type { Container, ContainerInspectInfo } from 'dockerode'
import { engine } from './engine.ts'
import { type Ended, exec } from './exec.ts'
import { inside, type Json } from './inside.ts'
import type { Insider } from './insider.ts'
import { logOf } from './log-of.ts'

/** As stop_grace_period in compose.yaml. */
const STOP_SECONDS = 15

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

  exec(...command: string[]): Promise<Ended> {
    return exec(this.container, command)
  }

  inside<Args extends readonly Json[], Result>(work: (...args: Args) => Result, ...args: Args) {
    return inside(this.container, work, ...args)
  }

  /** A file of the container, as its user sees it. */
  async read(path: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec('cat', path)
    if (exitCode !== 0) throw new Error(stderr)
    return stdout
  }

  log(): Promise<string> {
    return logOf(this.container)
  }

  /** As the out-of-memory killer does it. The engine takes it for a wish and does not restart it by itself. */
  async kill(): Promise<void> {
    await this.container.kill({ signal: 'SIGKILL' })
    await this.container.wait()
  }

  async start(): Promise<void> {
    await this.container.start()
  }

  /** To its first process, which is an init that passes it on. */
  async signal(name: NodeJS.Signals): Promise<void> {
    await this.container.kill({ signal: name })
  }

  /** SIGTERM, then time enough to drain. @returns the exit code */
  async stop(): Promise<number> {
    await this.container.stop({ t: STOP_SECONDS })
    const { State } = await this.inspect()
    return State.ExitCode
  }
}
