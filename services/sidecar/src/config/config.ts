import { logLevel } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { LogThreshold } from '@uds-sidecar/shared/lifecycle/log'
import * as v from 'valibot'
import type { ConnectRule } from '../egress/host-name.ts'
import type { AllowRule } from '../policy/rule.ts'
import type { ForwardedField } from '../proxies/forwarded-elements.ts'
import {
  type Bounds,
  type CONNECT_LIMITS,
  type CONNECT_TIMEOUTS,
  HTTP_LIMITS,
  type HTTP_TIMEOUTS,
  type STREAM_LIMITS,
  type STREAM_TIMEOUTS,
} from './bounds.ts'
import type { Client } from './clients-schema.ts'
import type { AccessLogSetting, ConfigFile } from './file-schema.ts'
import { fileFromEnv } from './from-env.ts'
import { parseFile } from './parse-file.ts'
import { readText } from './read-text.ts'
import type { ReadyProbe } from './ready-schema.ts'
import type { TlsSettings } from './tls-schema.ts'
import type { CredentialSettings, UpstreamTlsSettings } from './way-out-schema.ts'

/** The complete configuration of a sidecar: validated and frozen. */
export interface Config {
  /** Where the operations port listens; null when there is none. */
  readonly ops: Endpoint | null
  /** TLS of the operations port; undefined: plain HTTP. */
  readonly opsTls?: TlsSettings | undefined
  /** Who may use the operations port, and under which host names; undefined without it. */
  readonly opsAccess?: OperationsAccess | undefined
  /** Every client of the file, in its order. */
  readonly clients: readonly Client[]
  readonly drainMs: number
  /** Which requests get a line in the log. */
  readonly accessLog: AccessLogSetting
  /** Whether a trace begins where a request has none. */
  readonly trace: boolean
  readonly routes: readonly Route[]
}

export interface OperationsAccess {
  readonly hosts: readonly string[]
  /** Undefined: everybody. */
  readonly for: readonly string[] | undefined
  /** Those that `for` names. */
  readonly clients: readonly Client[]
}

type OpsSettings = Exclude<NonNullable<ConfigFile['ops']>, Endpoint>

export type Route = StreamRoute | HttpRoute | ConnectRoute

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
  /** The sidecar is ready also while this route is not. */
  readonly optional: boolean
  /** Proxies in front of it, which say who their client is: entries of `TrustedProxies`. Undefined: there are none. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Whether each connection begins with a PROXY header; by default `off`. */
  readonly proxyProtocol?: 'off' | 'v2' | undefined
  /** The clients that its rules name, in the order of the file: a reload that changes one of them changes the route. */
  readonly clients: readonly Client[]
  /**
   * Whether the file sets `limits.connections`. If not, the sidecar may lower it when the process has few descriptors.
   */
  readonly isConnectionsSet: boolean
}

/** A route that relays bytes unchanged in both directions. */
export interface StreamRoute extends RouteBase {
  readonly kind: 'stream'
  readonly upstream: Endpoint
  /** TLS towards an upstream on TCP; undefined: plain TCP. */
  readonly upstreamTls?: UpstreamTlsSettings | undefined
  /** Addresses of this machine, of metadata services and so on that the name of `upstream` may resolve to. */
  readonly allowAddresses?: readonly string[] | undefined
  /** The clients that may connect; undefined: everybody. */
  readonly for?: readonly string[] | undefined
  readonly timeoutsMs: Bounds<typeof STREAM_TIMEOUTS>
  readonly limits: Bounds<typeof STREAM_LIMITS>
}

/** A route that relays HTTP/1.1 requests that the allow list names. */
export interface HttpRoute extends RouteBase {
  readonly kind: 'http'
  readonly upstream: Endpoint
  /** TLS towards an upstream on TCP; undefined: plain TCP. */
  readonly upstreamTls?: UpstreamTlsSettings | undefined
  /** Addresses of this machine, of metadata services and so on that the name of `upstream` may resolve to. */
  readonly allowAddresses?: readonly string[] | undefined
  readonly allow: readonly AllowRule[]
  /** How the upstream is asked whether it is ready; undefined: it is when it accepts a connection. */
  readonly ready?: ReadyProbe | undefined
  /** Host names that it serves, beside IP addresses and localhost; undefined: all. */
  readonly hosts?: readonly string[] | undefined
  /** Whether `{name}` and `/*` of a rule match an encoded slash, which is data then. */
  readonly encodedSlash: 'refuse' | 'allow'
  /** Names of request fields, in lower case, that are forwarded although the sidecar drops them by default. */
  readonly passFields: readonly string[]
  /** Fields that the sidecar adds to each request; only with `upstreamTls`. */
  readonly credentials?: readonly CredentialSettings[] | undefined
  /** Whether an upstream on TCP is told who sends a request. */
  readonly forwarded?: boolean | undefined
  /** Where trusted proxies say who the client is. Undefined: X-Forwarded-For, and with `proxyProtocol` nowhere. */
  readonly forwardedField?: ForwardedField | undefined
  readonly timeoutsMs: Bounds<typeof HTTP_TIMEOUTS>
  readonly limits: Bounds<typeof HTTP_LIMITS>
}

/** A route that clients use as an HTTP proxy with CONNECT: it dials the hosts that its rules name. */
export interface ConnectRoute extends RouteBase {
  readonly kind: 'connect'
  /** Whether the first bytes of a tunnel must be a ClientHello that asks for the host of the CONNECT. */
  readonly sni: 'required' | 'any'
  /** Blocks of addresses that may be dialled although they are not globally reachable. */
  readonly allowAddresses: readonly string[]
  readonly allow: readonly ConnectRule[]
  readonly timeoutsMs: Bounds<typeof CONNECT_TIMEOUTS>
  readonly limits: Bounds<typeof CONNECT_LIMITS>
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
 * operations port), `SIDECAR_CERTIFICATE`, `SIDECAR_KEY` and `SIDECAR_CLIENT_CA` (default: no TLS), `SIDECAR_TOKEN`
 * (default: everybody may call), `SIDECAR_ACCESS_LOG` and `SIDECAR_TRACE`. Every other setting has its default from `bounds.ts`. An empty variable counts as not set.
 * @throws Failure `bad_config` (exit code 78) that lists every mistake: the variable, or the file and its line.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const hasFile = env.SIDECAR_CONFIG !== undefined && env.SIDECAR_CONFIG !== ''
  if (!hasFile) return configOf(fileFromEnv(env))
  const { SIDECAR_CONFIG: path } = readEnv(env, 'SIDECAR_', { SIDECAR_CONFIG: v.string() })
  return configOf(parseFile(readText(path), path))
}

/** Converts the validated content of a configuration file to the form that the program uses. */
export function configOf({ ops, clients, drain, accessLog, trace, routes }: ConfigFile): Config {
  const given: OpsSettings | null = ops !== null && 'kind' in ops ? { listen: ops } : ops
  return Object.freeze({
    ops: given?.listen ?? null,
    opsTls: given?.tls,
    opsAccess: given === null ? undefined : accessOf(given, clients),
    clients,
    drainMs: drain,
    accessLog,
    trace,
    routes: Object.freeze(routes.map((route) => routeOf(route, clients))),
  })
}

function accessOf({ hosts = [], for: names }: OpsSettings, clients: readonly Client[]): OperationsAccess {
  return Object.freeze({ hosts, for: names, clients: named(names ?? [], clients) })
}

function named(names: readonly string[], clients: readonly Client[]): readonly Client[] {
  return Object.freeze(clients.filter(({ name }) => names.includes(name)))
}

function routeOf(route: ConfigFile['routes'][number], clients: readonly Client[]): Route {
  const { timeouts, limits, ...rest } = route
  const { connections = HTTP_LIMITS.connections.standard } = limits
  const names = route.kind === 'stream' ? (route.for ?? []) : route.allow.flatMap((rule) => rule.clients)
  return Object.freeze({
    ...rest,
    clients: named(names, clients),
    timeoutsMs: timeouts,
    limits: Object.freeze({ ...limits, connections }),
    isConnectionsSet: limits.connections !== undefined,
  }) as Route
}
