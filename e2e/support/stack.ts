import type { TestContext } from 'node:test'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type RequestOptions, type Response, request } from '@uds-sidecar/shared/http/request'
import { DockerComposeEnvironment, PullPolicy } from 'testcontainers'
import { type ComposeOptions, ComposeProject } from './compose-project.ts'
import { ContainerHandle } from './container-handle.ts'
import { diagnoseProject } from './diagnosis.ts'
import { doctorOn } from './doctor.ts'
import { PORTS, type PortName } from './ports.ts'
import { newProject, REPOSITORY } from './project.ts'
import { reportOnFailure } from './report-on-failure.ts'
import { Witness } from './witness.ts'

export interface StackOptions extends ComposeOptions {
  /** Only these and those that they depend on. Default: all. */
  readonly services?: readonly string[]
}

/** For each container; Testcontainers itself gives it a minute, which a busy machine may need. */
const START_TIMEOUT_MS = 300_000

/** Longer than any deadline of the sidecar: how a request ends is the sidecar's to say, also on a busy machine. */
const REQUEST_TIMEOUT_MS = 60_000

/** The stack of compose.yaml, healthy, as a Compose project of its own. */
export class Stack implements AsyncDisposable {
  readonly compose: ComposeProject
  readonly #examine: () => Promise<void>

  private constructor(compose: ComposeProject, t: TestContext) {
    this.compose = compose
    this.#examine = reportOnFailure(t, () => examineProject(compose.name))
  }

  /** @param t the test that it is for: when that fails, logs, states and what `client doctor` says are printed */
  static async start(t: TestContext, { services, ...options }: StackOptions = {}): Promise<Stack> {
    const compose = new ComposeProject(newProject(t), options)
    const environment = new DockerComposeEnvironment(REPOSITORY, compose.files)
      .withProjectName(compose.name)
      .withProfiles(...compose.profiles)
      .withEnvironment(compose.env)
      .withPullPolicy(PullPolicy.neverPull())
      .withStartupTimeout(START_TIMEOUT_MS)
      .withClientOptions({ commandOptions: ['--no-build'] })
    using witness = await Witness.of(compose.name)
    await environment.up(services && [...services]).catch(async (cause) => {
      throw new Error(`the stack did not start\n${await witness.report()}`, { cause })
    })
    return new Stack(compose, t)
  }

  service(name: string, index = 1): ContainerHandle {
    return new ContainerHandle(`${this.compose.name}-${name}-${index}`)
  }

  /** The full name of a volume. */
  volume(name: string): string {
    return `${this.compose.name}_${name}`
  }

  /** Where a port is published now: a container that is started again gets another one. */
  async endpoint(port: PortName): Promise<Endpoint> {
    const { service, number } = PORTS[port]
    const { NetworkSettings } = await this.service(service).inspect()
    const published = NetworkSettings.Ports[`${number}/tcp`]?.[0]
    if (published === undefined) throw new Error(`${service} does not publish port ${number}`)
    return { kind: 'tcp', host: published.HostIp, port: Number(published.HostPort) }
  }

  async request(port: PortName, path: string, options: RequestOptions = {}): Promise<Response> {
    return request(await this.endpoint(port), { path, timeoutMs: REQUEST_TIMEOUT_MS, ...options })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#examine()
    await this.compose.down()
  }
}

async function examineProject(name: string): Promise<string> {
  return (await Promise.all([diagnoseProject(name), doctorOn(name)])).join('\n')
}
