import { join } from 'node:path'
import { docker, type Outcome, run } from './docker.ts'
import { runLabel } from './made-by-run.ts'

export const ROOT = join(import.meta.dirname, '../..')
export const VERSION = process.env.UDS_SIDECAR_VERSION || 'dev'
/** `scripts/build-places.sh` saves the images of the stack there. */
export const imagesFile = join(ROOT, '.toolchain/places/images.tar')

/**
 * A privileged container that stands for a machine. It sees the folder `deploy` as /deploy and the saved images as
 * /images.tar, both read-only, and publishes no port: what asks it, runs in it. Disposing removes it.
 */
export class Machine implements AsyncDisposable {
  readonly #id: string

  private constructor(id: string) {
    this.#id = id
  }

  /**
   * @param image without its version; `scripts/build-places.sh` builds it
   * @param options of `docker run`
   */
  static async start(image: string, ...options: string[]): Promise<Machine> {
    const mounts = ['--volume', `${ROOT}/deploy:/deploy:ro`, '--volume', `${imagesFile}:/images.tar:ro`]
    const fixed = ['run', '--detach', '--privileged', '--init', '--label', runLabel()]
    return new Machine(await docker(...fixed, ...mounts, ...options, `${image}:${VERSION}`))
  }

  /** @returns what a program printed @throws Error when its exit code is not 0 */
  async run(...command: string[]): Promise<string> {
    return this.#orThrow(await this.try(...command), command)
  }

  /** The same with an input. */
  async pipe(input: string, ...command: string[]): Promise<string> {
    return this.#orThrow(await run(['docker', 'exec', '--interactive', this.#id, ...command], input), command)
  }

  async try(...command: string[]): Promise<Outcome> {
    return run(['docker', 'exec', this.#id, ...command])
  }

  async write(path: string, content: string): Promise<void> {
    await this.pipe(content, 'sh', '-c', `mkdir -p "$(dirname "$1")" && cat >"$1"`, 'sh', path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker('rm', '--force', '--volumes', this.#id)
  }

  #orThrow({ code, stdout, stderr }: Outcome, command: readonly string[]): string {
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stdout}${stderr}`)
    return stdout.trim()
  }
}
