import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { parseEndpoint } from '@uds-sidecar/shared/endpoint/parse-endpoint'
import { usageError } from './cli-error.ts'
import type { Flag } from './options.ts'

/** Asks through the sidecar where an ENDPOINT would go. */
export const TCP_OPTION = {
  kind: 'flag',
  summary: 'ask over TCP, through the sidecar',
} as const satisfies Flag

/**
 * The endpoint on the command line, or else the one of the configuration.
 * @throws Failure `bad_endpoint` or `path_too_long`; CliError `usage` when both ENDPOINT and `--tcp` are given
 */
export function endpointArgument(
  { positionals: [text], values }: { positionals: readonly string[]; values: { readonly tcp: boolean } },
  fallback: { readonly socket: Endpoint; readonly tcp: Endpoint },
): Endpoint {
  if (text === undefined) return values.tcp ? fallback.tcp : fallback.socket
  if (values.tcp) throw usageError(`both ${text} and --tcp`, 'give the one or the other')
  return parseEndpoint(text)
}
