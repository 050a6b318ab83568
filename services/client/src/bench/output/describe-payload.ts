import type { Settings } from '../settings.ts'
import { formatSize } from '../size.ts'

/** `echo, 64 B`, or `http` alone where the size is the stack's own. */
export function describePayload({ protocol, sizeBytes }: Settings): string {
  return sizeBytes === null ? protocol : `${protocol}, ${formatSize(sizeBytes)}`
}
