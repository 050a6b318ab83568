import { endpointText, logLevel } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { LogThreshold } from '@uds-sidecar/shared/lifecycle/log'
import * as v from 'valibot'
import type { AllowRule } from '../policy/allow-list.ts'
import {
  type Bounds,
  HTTP_LIMITS,
  type HTTP_TIMEOUTS,
  type STREAM_LIMITS,
  type STREAM_TIMEOUTS,
} from './bounds.ts'
import { allowRule, type ConfigFile, fileSchema } from './file-schema.ts'
import { parseFile } from './parse-file.ts'
import { readText } from './read-text.ts'
import { pemPath, type TlsSettings } from './tls-schema.ts'
import type { CredentialSettings, UpstreamTlsSettings } from './way-out-schema.ts'

/** The complete configuration of a sidecar: validated and frozen. */
export interface Config {
  /** Where the operations port listens; null when there is none. */
  readonly ops: Endpoint | null
  /** TLS of the operations port; undefined: plain HTTP. */
  readonly opsTls?: TlsSettings | undefined
  readonly drainMs: number
  readonly routes: readonly Route[]
}

export type Route = StreamRoute | HttpRoute

interface RouteBase {
  /** The value of the metric label `route`, and the name in log lines and messages. Unique. */
  readonly name: string
  readonly listen: Endpoint
  /** Permission bits of the socket file at `listen`; by default 0660. Undefined for an endpoint without a file. */
  readonly mode?: number | undefined
  /** Group (gid) of that file; by default that of a setgid directory, else that of this process. */
  readonly group?: number | undefined
  /** What to do about a running server at that path; by default `refuse`. */
  readonly onConflict?: 'refuse' | 'takeover' | undefined
  /** TLS of a listener on TCP; undefined: plain TCP. */
  readonly tls?: TlsSettings | undefined
  readonly upstream: Endpoint
  /** TLS towards an upstream on TCP; undefined: plain TCP. */
  readonly upstreamTls?: UpstreamTlsSettings | undefined
  /**
   * Whether the file sets `limits.connections`. If not, the sidecar may lower it when the process has few descriptors.
   */
  readonly isConnectionsSet: boolean
}

/** A route that relays bytes unchanged in both directions. */
export interface StreamRoute extends RouteBase {
  readonly kind: 'stream'
  readonly timeoutsMs: Bounds<typeof STREAM_TIMEOUTS>
  readonly limits: Bounds<typeof STREAM_LIMITS>
}

/** A route that relays HTTP/1.1 requests that the allow list names. */
export interface HttpRoute extends RouteBase {
  readonly kind: 'http'
  readonly allow: readonly AllowRule[]
  /** Names of request fields, in lower case, that are forwarded although the sidecar drops them by default. */
  readonly passFields: readonly string[]
  /** Fields that the sidecar adds to each request; only with `upstreamTls`. */
  readonly credentials?: readonly CredentialSettings[] | undefined
  /** Whether an upstream on TCP is told who sends a request. */
  readonly forwarded?: boolean | undefined
  readonly timeoutsMs: Bounds<typeof HTTP_TIMEOUTS>
  readonly limits: Bounds<typeof HTTP_LIMITS>
}

/**
 * Reads the log level from `LOG_LEVEL`; the default is `info`.
 * @throws Failure `bad_config`
 */
export function readLogLevel(env: NodeJS.ProcessEnv): LogThreshold {
  return readEnv(env, 'LOG_LEVEL', { LOG_LEVEL: v.optional(logLevel, 'info') }).LOG_LEVEL
}

/**
 * Loads the configuration: from the YAML file that `SIDECAR_CONFIG` names, or, without it, one HTTP route from
 * `SIDECAR_LISTEN`, `SIDECAR_UPSTREAM`, `SIDECAR_ALLOW` (default for a socket: `GET /metrics`), `SIDECAR_OPS` (default: no
 * operations port), `SIDECAR_CERTIFICATE` and `SIDECAR_KEY` (default: no TLS). Every other setting has its default from `bounds.ts`. An empty variable counts as not set.
 * @throws Failure `bad_config` (exit code 78) that lists every mistake: the variable, or the file and its line.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const hasFile = env.SIDECAR_CONFIG !== undefined && env.SIDECAR_CONFIG !== ''
  if (!hasFile) return configOf(fileFromEnv(readEnv(env, 'SIDECAR_', settingsFor(env))))
  const { SIDECAR_CONFIG: path } = readEnv(env, 'SIDECAR_', withFile)
  return configOf(parseFile(readText(path), path))
}

/** Converts the validated content of a configuration file to the form that the program uses. */
export function configOf({ ops, drain, routes }: ConfigFile): Config {
  const { listen, tls } = ops === null || 'kind' in ops ? { listen: ops } : ops
  return Object.freeze({
    ops: listen,
    opsTls: tls,
    drainMs: drain,
    routes: Object.freeze(routes.map(routeOf)),
  })
}

function routeOf({ timeouts, limits, ...rest }: ConfigFile['routes'][number]): Route {
  const { connections = HTTP_LIMITS.connections.standard } = limits
  return Object.freeze({
    ...rest,
    timeoutsMs: timeouts,
    limits: Object.freeze({ ...limits, connections }),
    isConnectionsSet: limits.connections !== undefined,
  }) as Route
}

const endpoint = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const { issues } = v.safeParse(endpointText, dataset.value)
    if (issues !== undefined) addIssue({ message: issues[0].message })
  }),
)

const allow = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const issues = splitAllow(`${dataset.value}`).flatMap((rule) => v.safeParse(allowRule, rule).issues ?? [])
    const [issue] = issues
    if (issue !== undefined) addIssue({ message: `${issue.message}; separate several rules with commas` })
  }),
)

const withFile = { SIDECAR_CONFIG: v.string() }

const withoutFile = {
  SIDECAR_LISTEN: endpoint,
  SIDECAR_UPSTREAM: endpoint,
  SIDECAR_ALLOW: v.optional(allow),
  SIDECAR_OPS: v.optional(endpoint),
  SIDECAR_CERTIFICATE: v.optional(pemPath),
  SIDECAR_KEY: v.optional(pemPath),
}

/** A certificate needs its key, and the key its certificate; an upstream on TCP needs rules. */
function settingsFor({
  SIDECAR_CERTIFICATE = '',
  SIDECAR_KEY = '',
  SIDECAR_LISTEN = '',
  SIDECAR_UPSTREAM = '',
}: NodeJS.ProcessEnv) {
  const rules = SIDECAR_UPSTREAM.startsWith('tcp:') ? { SIDECAR_ALLOW: allow } : {}
  if (SIDECAR_CERTIFICATE === '' && SIDECAR_KEY === '') return { ...withoutFile, ...rules }
  const isUnix = SIDECAR_LISTEN.startsWith('unix:')
  const path = isUnix
    ? v.optional(
        v.pipe(
          pemPath,
          v.check(() => false, ONLY_TCP),
        ),
      )
    : pemPath
  return { ...withoutFile, ...rules, SIDECAR_CERTIFICATE: path, SIDECAR_KEY: path }
}

const ONLY_TCP = 'is only for SIDECAR_LISTEN=tcp://host:port; remove it'

interface EnvSettings {
  readonly SIDECAR_LISTEN: string
  readonly SIDECAR_UPSTREAM: string
  readonly SIDECAR_ALLOW?: string | undefined
  readonly SIDECAR_OPS?: string | undefined
  readonly SIDECAR_CERTIFICATE?: string | undefined
  readonly SIDECAR_KEY?: string | undefined
}

/** The configuration file that these variables, already validated, stand for. */
function fileFromEnv({
  SIDECAR_LISTEN: listen,
  SIDECAR_UPSTREAM: upstream,
  SIDECAR_ALLOW,
  SIDECAR_OPS,
  SIDECAR_CERTIFICATE: certificate,
  SIDECAR_KEY: key,
}: EnvSettings): ConfigFile {
  const rules = SIDECAR_ALLOW === undefined ? {} : { allow: splitAllow(SIDECAR_ALLOW) }
  const tls = certificate === undefined ? {} : { tls: { certificate, key } }
  const route = { name: 'main', kind: 'http', listen, upstream, ...rules, ...tls }
  return v.parse(fileSchema, { ops: SIDECAR_OPS ?? null, routes: [route] })
}

/** Splits `GET /metrics, GET /-/ready` into its rules. */
function splitAllow(text: string): string[] {
  return text.split(',').map((rule) => rule.trim())
}
