import { Failure } from '@uds-sidecar/shared/failure/failure'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { type Response, request } from '@uds-sidecar/shared/http/request'
import { visibleJson } from '@uds-sidecar/shared/text/visible'
import { reachOf } from '../access/access.ts'
import { ACCESS_OPTIONS } from '../access/access-options.ts'
import { usageError } from '../cli/cli-error.ts'
import { defineCommand } from '../cli/command.ts'
import { TIMEOUT_OPTION, type Valued } from '../cli/options.ts'
import { endpointArgument, TCP_OPTION } from '../cli/parse-arguments.ts'
import { formatFamilies, grepFamilies } from '../exposition/format-families.ts'
import { type MetricFamily, parseExposition } from '../exposition/parse-exposition.ts'
import { expectOk } from '../http/request-json.ts'
import { TRACE_OPTION, traced } from '../http/trace.ts'
import { palette } from '../output/text.ts'

const GREP_OPTION = {
  kind: 'value',
  short: 'g',
  placeholder: 'PATTERN',
  summary: 'only what matches this regular expression: names, or labels as key="value"',
  read: pattern,
  fallback: undefined,
} as const satisfies Valued<RegExp | undefined>

export const command = defineCommand({
  name: 'metrics',
  summary: "show the app's metrics (GET /metrics)",
  positionals: '[ENDPOINT]',
  maxPositionals: 1,
  options: {
    tcp: TCP_OPTION,
    grep: GREP_OPTION,
    raw: { kind: 'flag', summary: 'the exposition byte for byte, as Prometheus gets it' },
    'timeout-ms': TIMEOUT_OPTION,
    trace: TRACE_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ['client metrics --tcp --grep visits', 'through the sidecar, only metrics about visits'],
    [
      'client metrics --tcp --cacert ca.crt --cert me.crt --key me.key',
      'over TLS, with a client certificate',
    ],
    ['client metrics --tcp --raw | promtool check metrics', 'check them with promtool'],
  ],
  jsonShape:
    '{"families": [{name, type, help, unit?, samples: [{name, labels, value, timestamp?, exemplar?: {labels, value, timestamp?}}]}]}',
  async run(args, context) {
    const { config, json, stdout, env } = context
    const { values } = args
    if (values.raw && (json || values.grep))
      throw usageError('--raw cannot be combined with --json or --grep', 'use only one of them')
    const endpoint = endpointArgument(args, { socket: config.metrics, tcp: config.tcpMetrics })
    const reach = traced(await reachOf(endpoint, values, config), values.trace, context)
    const pending = request(endpoint, { ...reach, path: '/metrics', timeoutMs: values['timeout-ms'] })
    const response = expectOk(endpoint, '/metrics', await pending.catch(pointToTheSidecar))
    if (values.raw) return written(stdout.write(response.body))
    const families = grepFamilies(read(response), values.grep ?? /^/)
    const text = json ? visibleJson({ families }) : formatFamilies(families, palette(stdout, env))
    return written(stdout.write(text === '' ? '' : `${text}\n`))
  },
})

function written(_flushed: boolean): number {
  return EXIT.ok
}

/** Few users are in the group of the metrics socket, and through the sidecar nobody needs to be. */
function pointToTheSidecar(error: unknown): never {
  if (!(error instanceof Failure) || error.code !== 'socket_denied') throw error
  const { code, message, hint, errno } = error
  throw new Failure(code, {
    message,
    hint: `use client metrics --tcp to go through the sidecar; or ${hint}`,
    errno,
    cause: error,
  })
}

function pattern(text: string, option: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw usageError(`${option}: ${(error as Error).message}`, 'it is a JavaScript regular expression')
  }
}

function read({ headers, body }: Response): MetricFamily[] {
  const openMetrics = headers['content-type']?.startsWith('application/openmetrics-text')
  try {
    return parseExposition(body, openMetrics ? { openMetrics } : {})
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new Failure('upstream_malformed', {
      message: `the response is not in the Prometheus text format: ${cause.message}`,
      hint: 'client metrics --raw shows the response unchanged',
      cause,
    })
  }
}
