import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { Container } from 'dockerode'
import { type Box, ContainerHandle, createContainer } from './container.ts'
import { diagnose, reportOnFailure } from './diagnosis.ts'
import { type Ended, engine, image, outputOf } from './engine.ts'
import { nodeCommand } from './inside.ts'
import { RUN_LABEL, runId } from './run.ts'

/** A container that belongs to one test: removed when disposed of. */
export class OwnContainer extends ContainerHandle implements AsyncDisposable {
  readonly #examine: () => Promise<void>

  private constructor(id: string, t: TestContext) {
    super(id)
    this.#examine = reportOnFailure(t, () => diagnose(this.container))
  }

  /** @param t the test that it is for: when that fails, its state and log are printed */
  static async start(t: TestContext, box: Box): Promise<OwnContainer> {
    const { id } = await createContainer(box)
    const container = new OwnContainer(id, t)
    await container.start()
    return container
  }

  /** Removed at once, without asking its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#examine()
    await this.container.remove({ force: true, v: true })
  }
}

/**
 * A container that does nothing but let functions of a test run in it, as any user with any groups. A container of its
 * own, because what runs by `exec` in another one has the groups of that.
 */
export function startProbe(
  t: TestContext,
  box: Omit<Box, 'image' | 'entrypoint' | 'command'>,
): Promise<OwnContainer> {
  return OwnContainer.start(t, { ...box, image: image('client'), entrypoint: nodeCommand(idle) })
}

function idle(): void {
  setInterval(() => {}, 60_000)
}

export interface Errand extends Box {
  readonly stdin?: Uint8Array
}

const RUN_TIMEOUT_MS = 180_000

/**
 * Runs a container until it ends by itself, then removes it.
 * @throws when it has not ended within three minutes; state and log are in the message
 */
export async function runToEnd({ stdin, ...box }: Errand): Promise<Ended> {
  const container = await createContainer(box, stdin !== undefined)
  try {
    if (stdin !== undefined) await feed(container, stdin)
    else await container.start()
    const exitCode = await exitCodeOf(container)
    return { exitCode, ...(await outputOf(container)) }
  } finally {
    await container.remove({ force: true, v: true })
  }
}

async function exitCodeOf(container: Container): Promise<number> {
  try {
    const { StatusCode } = await container.wait({ abortSignal: AbortSignal.timeout(RUN_TIMEOUT_MS) })
    return StatusCode
  } catch (cause) {
    throw new Error(`it did not end:\n${await diagnose(container)}`, { cause })
  }
}

async function feed(container: Container, stdin: Uint8Array): Promise<void> {
  const stream = await container.attach({ stream: true, stdin: true, hijack: true })
  await container.start()
  stream.end(stdin)
  await once(stream.resume(), 'close')
}

export interface SocketVolume extends AsyncDisposable {
  readonly name: string
}

export interface VolumeOptions {
  readonly uid?: number
  readonly gid?: number
  readonly mode?: string
}

/** A volume for sockets, made as compose.yaml makes them; by default the app's own. */
export async function socketVolume(options: VolumeOptions = {}): Promise<SocketVolume> {
  const { uid = 10_001, gid = 10_200, mode = '2750' } = options
  const o = `uid=${uid},gid=${gid},mode=${mode},size=1m,nosuid,nodev,noexec`
  const volume = await engine.createVolume({
    DriverOpts: { type: 'tmpfs', device: 'tmpfs', o },
    Labels: { [RUN_LABEL]: runId() },
  })
  return { name: volume.name, [Symbol.asyncDispose]: () => volume.remove() }
}
