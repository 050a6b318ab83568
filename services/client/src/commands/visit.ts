import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { reachOf } from '../access/access.ts'
import { ACCESS_OPTIONS } from '../access/access-options.ts'
import { defineCommand } from '../cli/command.ts'
import { TIMEOUT_OPTION, wholeNumber } from '../cli/options.ts'
import { endpointArgument, TCP_OPTION } from '../cli/parse-arguments.ts'
import { requestJson } from '../http/request-json.ts'
import { visitsSchema } from '../http/schemas.ts'

export const command = defineCommand({
  name: 'visit',
  summary: 'count a visit in Redis through the app, print the total',
  positionals: '[ENDPOINT]',
  maxPositionals: 1,
  options: {
    tcp: TCP_OPTION,
    count: {
      kind: 'value',
      short: 'n',
      placeholder: 'N',
      summary: 'how many visits, one after the other',
      read: wholeNumber(1, 1_000_000),
      fallback: 1,
    },
    read: { kind: 'flag', summary: 'only read the total (GET /visits)' },
    'timeout-ms': TIMEOUT_OPTION,
    ...ACCESS_OPTIONS,
  },
  examples: [
    ['client visit', 'one visit; prints the new total'],
    ['client visit --tcp -n 100', 'a hundred visits through the sidecar'],
  ],
  jsonShape: '{"visits": N}, one line for each request',
  async run(args, { config, json, stdout }) {
    const { values } = args
    const endpoint = endpointArgument(args, { socket: config.api, tcp: config.tcpApi })
    const reach = await reachOf(endpoint, values, config)
    const method = values.read ? 'GET' : 'POST'
    for (let i = 0; i < (values.read ? 1 : values.count); i++) {
      const options = { ...reach, method, path: '/visits', timeoutMs: values['timeout-ms'] }
      const { visits } = await requestJson(endpoint, visitsSchema, options)
      stdout.write(`${json ? JSON.stringify({ visits }) : visits}\n`)
    }
    return EXIT.ok
  },
})
