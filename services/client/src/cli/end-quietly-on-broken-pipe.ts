import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import type { Output } from './streams.ts'

/** `client metrics | head` closes our stdout when it has enough: that is the end of the work, not an error. */
export function endQuietlyOnBrokenPipe(stdout: Output): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(EXIT.ok)
  })
}
