import type { Container, ContainerInspectInfo } from 'dockerode'
import { engine } from './engine.ts'
import { type Ended, exec } from './exec.ts'
import { inside, type Json } from './inside.ts'
import { logOf } from './log-of.ts'

/** A container of a Compose project. Looked up by its name each time, so that it may be recreated meanwhile. */
export class Service {
  readonly name: string

  constructor(project: string, service: string, index = 1) {
    this.name = `${project}-${service}-${index}`
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
}
