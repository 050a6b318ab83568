import { MAX_PATH_BYTES } from '@uds-sidecar/shared/endpoint/endpoint'
import { parseEndpoint } from '@uds-sidecar/shared/endpoint/parse-endpoint'
import type { Check } from '../check.ts'
import { refusal } from '../refusal.ts'

/** S10: a path that does not fit the kernel's address is refused before the kernel sees it; bytes count. */
export function pathLimits(): Check[] {
  return [
    {
      row: 'S10',
      what: `a path of ${MAX_PATH_BYTES + 1} bytes`,
      expected: 'path_too_long',
      observe: () =>
        refusal('path_too_long', async () => parseEndpoint(`unix:/${'é'.repeat(MAX_PATH_BYTES / 2)}a`)),
    },
  ]
}
