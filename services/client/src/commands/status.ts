import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import * as v from 'valibot'
import { reachOf } from '../access/access.ts'
import { ACCESS_OPTIONS } from '../access/access-options.ts'
import { defineCommand } from '../cli/command.ts'
import { TIMEOUT_OPTION } from '../cli/options.ts'
import { endpointArgument, TCP_OPTION } from '../cli/parse-arguments.ts'
import { requestJson } from '../http/request-json.ts'
import { TRACE_OPTION, traced } from '../http/trace.ts'
import { keyValues } from '../output/text.ts'

const anyObject = v.record(v.string(), v.unknown())

export const command = defineCommand({
  name: 'status',
  summary: 'show what the app reports about itself (GET /status)',
  positionals: '[ENDPOINT]',
  maxPositionals: 1,
  options: { tcp: TCP_OPTION, 'timeout-ms': TIMEOUT_OPTION, trace: TRACE_OPTION, ...ACCESS_OPTIONS },
  examples: [
    ['client status', 'over the socket of CLIENT_API'],
    ['client status --tcp --trace', 'the trace id finds the request in the logs of sidecar and app'],
    ['client status tcp://127.0.0.1:8080 --json', 'the same over TCP, for a script'],
    ['client status tcp://api.example:8443 --cacert ca.crt --token-file token', 'over TLS, with a token'],
  ],
  jsonShape: "the app's own JSON: {name, version, revision, pid, uptimeSeconds, redis, sockets}",
  async run(args, context) {
    const { config, json, stdout } = context
    const endpoint = endpointArgument(args, { socket: config.api, tcp: config.tcpApi })
    const status = await requestJson(endpoint, anyObject, {
      ...traced(await reachOf(endpoint, args.values, config), args.values.trace, context),
      path: '/status',
      timeoutMs: args.values['timeout-ms'],
    })
    stdout.write(`${json ? visibleJson(status) : keyValues(visibleIn(status))}\n`)
    return EXIT.ok
  },
})
