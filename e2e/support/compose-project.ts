import { downAll, type IDockerComposeResult, upAll } from 'docker-compose'
import { PUBLISH_ANYWHERE, REPOSITORY } from './project.ts'

export interface ComposeOptions {
  /** Default: compose.yaml of the repository. */
  readonly file?: string
  readonly profiles?: readonly string[]
  /** For compose.yaml, beside this process's own. */
  readonly env?: Readonly<Record<string, string>>
  /** Files in e2e/compose that are laid over compose.yaml, without `.yaml`. */
  readonly overlays?: readonly string[]
}

/** The real compose.yaml under another project name, as a command line that only has to be completed. */
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

  /** Starts what is missing to so many containers of a service, and does not wait for them. */
  scale(service: string, count: number): Promise<void> {
    return orError(
      upAll(this.#with(['--no-build', '--no-recreate', '--scale', `${service}=${count}`, service])),
    )
  }

  /** Removes everything, without asking the processes. */
  down(): Promise<void> {
    return orError(downAll(this.#with(['--volumes', '--remove-orphans', '--timeout', '0'])))
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
