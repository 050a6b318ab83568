import { randomBytes } from 'node:crypto'
import { runId } from './run-id.ts'
import { sweep } from './sweep.ts'

/** For the run as a whole; its test processes inherit the environment. */
export function globalSetup(): void {
  process.env.UDS_E2E_RUN ??= randomBytes(4).toString('hex')
}

/** Also after a failure and after SIGINT. */
export async function globalTeardown(): Promise<void> {
  await sweep(runId())
}
