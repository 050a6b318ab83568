import { once } from 'node:events'
import type { Container } from 'dockerode'
import type { Box } from './box.ts'
import { createContainer } from './create-container.ts'
import { demultiplex } from './demultiplex.ts'
import { diagnose } from './diagnosis.ts'
import type { Ended } from './exec.ts'

export interface Errand extends Box {
  readonly stdin?: Uint8Array
}

const RUN_TIMEOUT_MS = 180_000

/**
 * Runs a container until it ends by itself, then removes it.
 * @throws when that has not come within three minutes; state and log are in the message
 */
export async function runToEnd({ stdin, ...box }: Errand): Promise<Ended> {
  const container = await createContainer(box, stdin !== undefined)
  try {
    if (stdin !== undefined) await feed(container, stdin)
    else await container.start()
    const exitCode = await exitCodeOf(container)
    const output = demultiplex(await container.logs({ stdout: true, stderr: true }))
    return { exitCode, ...output }
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
