import type { TestContext } from 'node:test'
import type { Box } from './box.ts'
import { ContainerHandle } from './container-handle.ts'
import { createContainer } from './create-container.ts'
import { diagnose } from './diagnosis.ts'
import { reportOnFailure } from './report-on-failure.ts'

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
