import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { engine } from '../support/engine.ts'
import type { Workspace } from './workspace.ts'

const SERVICES = ['app', 'sidecar', 'client'] as const

/** Images of a workspace under a tag of their own, removed when disposed of. */
export class Images implements AsyncDisposable {
  readonly tag = `mutants-${process.pid}`
  readonly #workspace: Workspace
  /** Built from a broken copy. */
  #spoilt: readonly string[] = []

  private constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  static async build(workspace: Workspace): Promise<Images> {
    const images = new Images(workspace)
    await images.#compose('--profile', 'observability', 'build')
    return images
  }

  /** Builds anew what `file` goes into, and what was built from the last broken copy. */
  async rebuild(file: string): Promise<void> {
    const affected = SERVICES.filter(
      (name) => file === 'Dockerfile' || file.startsWith('shared/') || file.startsWith(`services/${name}/`),
    )
    const services = new Set([...affected, ...this.#spoilt])
    if (services.size > 0) await this.#compose('build', ...services)
    this.#spoilt = affected
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...SERVICES, 'redis', 'prometheus'])
      await engine.getImage(`uds-sidecar/${name}:${this.tag}`).remove({ force: true })
  }

  async #compose(...args: string[]): Promise<void> {
    const env = { ...process.env, UDS_SIDECAR_VERSION: this.tag, UDS_SIDECAR_REVISION: this.tag }
    await promisify(execFile)('scripts/compose.sh', args, {
      cwd: this.#workspace.path,
      env,
      maxBuffer: 2 ** 26,
    })
  }
}
