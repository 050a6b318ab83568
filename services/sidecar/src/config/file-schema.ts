import * as v from 'valibot'
import { DRAIN } from './bounds.ts'
import { clients, forClients } from './clients-schema.ts'
import { endpoint, hosts } from './listener-schema.ts'
import { routes } from './route-schema.ts'
import { boundSchema, mapping } from './schema-parts.ts'
import { tls } from './tls-schema.ts'

const opsEndpoint = endpoint('Where the operations port listens; without it there is none.')
const opsSettings = mapping({
  listen: endpoint('Where the operations port listens.'),
  hosts: hosts('Host names that the operations port serves, beside IP addresses and localhost.'),
  for: forClients,
  tls,
})

/** The operations port: its endpoint alone, or its settings. */
const ops = v.lazy((input) => (isSettings(input) ? opsSettings : opsEndpoint))

function isSettings(input: unknown): boolean {
  return typeof input === 'object' && input !== null
}

/** Which requests get a line in the log: none, those that failed or were refused, or all. */
const ACCESS_LOG = ['off', 'failed', 'all'] as const
export type AccessLogSetting = (typeof ACCESS_LOG)[number]
const ACCESS_LOG_MISTAKE = `may be ${ACCESS_LOG.join(', ')}`
const TRACE = 'may be true or false'

export const accessLog = v.pipe(
  v.picklist(ACCESS_LOG, ACCESS_LOG_MISTAKE),
  v.metadata({
    json: {
      enum: ACCESS_LOG,
      description:
        'Which requests get a line in the log: none, those that failed or were refused, or all. At most 100 lines a second.',
    },
  }),
)

const trace = v.pipe(
  v.boolean(TRACE),
  v.metadata({
    json: {
      type: 'boolean',
      description:
        'Whether a request without a valid traceparent (W3C Trace Context) begins a trace; a valid one always goes on.',
    },
  }),
)

/** The schema of the configuration file. `sidecar.schema.json` is generated from it. */
export const fileSchema = mapping({
  ops: v.optional(v.nullable(ops), null),
  clients,
  drain: boundSchema(DRAIN),
  accessLog: v.optional(accessLog, 'failed'),
  trace: v.optional(trace, false),
  routes: v.pipe(routes, v.minLength(1, 'must have at least one route')),
})

export type ConfigFile = v.InferOutput<typeof fileSchema>
