import type { TestContext } from 'node:test'
import type { Box } from './box.ts'
import { image } from './images.ts'
import { nodeCommand } from './inside.ts'
import { OwnContainer } from './own-container.ts'

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
