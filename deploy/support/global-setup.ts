import { randomBytes } from 'node:crypto'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { runLabel, sweep } from './made-by-run.ts'

/** For the run as a whole; its test processes inherit the environment. */
export function globalSetup(): void {
  process.env.UDS_PLACES_RUN ??= randomBytes(4).toString('hex')
}

/** Also after a failure and after Ctrl-C: a command that was interrupted may still be making something. */
export async function globalTeardown(): Promise<void> {
  await eventually('nothing of this run to be left', async () => (await sweep(runLabel())) === 0)
}
