import { type IDockerComposeResult, upAll } from 'docker-compose'
import { removeProject } from './leftovers.ts'
import { REPOSITORY } from './run.ts'

/** Port 0 lets the engine choose, so that stacks run side by side. Another one is chosen at each start. */
const PUBLISH_ANYWHERE = {
  PUBLISH_METRICS: '0',
  PUBLISH_API: '0',
  PUBLISH_API_TLS: '0',
  PUBLISH_ECHO: '0',
  PUBLISH_OPS: '0',
  PUBLISH_PROMETHEUS: '0',
} as const

export interface ComposeOptions {
  /** Default: compose.yaml of the repository. */
  readonly file?: string
  readonly profiles?: readonly string[]
  /** For compose.yaml, beside this process's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Files in e2e/compose that are laid over compose.yaml, without `.yaml`. */
  readonly overlays?: readonly string[]
}

/** The real compose.yaml under another project name, which several commands share. */
export class ComposeProject {
  readonly name: string
  readonly files: string[]
  readonly profiles: string[]
  readonly env: Record<string, string>

  constructor(
    name: string,
    { file = 'compose.yaml', profiles = [], env = {}, overlays = [] }: ComposeOptions,
  ) {
    this.name = name
    this.profiles = [...profiles]
    this.files = [file, ...overlays.map((overlay) => `e2e/compose/${overlay}.yaml`)]
    this.env = { ...PUBLISH_ANYWHERE, ...env }
  }

  /** `docker compose up --wait`, which changes what differs from how it should be. */
  up(...options: string[]): Promise<void> {
    return orError(upAll(this.#with(['--no-build', '--wait', ...options])))
  }

  /** Starts a service until it has so many containers, and does not wait for them. */
  scale(service: string, count: number): Promise<void> {
    return orError(
      upAll(this.#with(['--no-build', '--no-recreate', '--scale', `${service}=${count}`, service])),
    )
  }

  /** Removes everything, without asking the processes. */
  down(): Promise<void> {
    return removeProject(this.name)
  }

  #with(commandOptions: string[]) {
    return {
      cwd: REPOSITORY,
      config: this.files,
      composeOptions: this.profiles.map((profile) => ['--profile', profile]),
      commandOptions,
      env: { ...process.env, COMPOSE_PROJECT_NAME: this.name, ...this.env },
    }
  }
}

/** docker-compose rejects with a plain object. */
async function orError(result: Promise<IDockerComposeResult>): Promise<void> {
  await result.catch((reason: unknown) => {
    throw reason instanceof Error ? reason : new Error((reason as IDockerComposeResult).err)
  })
}
