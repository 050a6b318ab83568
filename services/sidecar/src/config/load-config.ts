import { endpointText, logLevel } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { LogThreshold } from '@uds-sidecar/shared/lifecycle/log'
import * as v from 'valibot'
import { HTTP_LIMITS } from './bounds.ts'
import type { Config, Route } from './config.ts'
import { allowRule, type ConfigFile, fileSchema } from './file-schema.ts'
import { parseFile } from './parse-file.ts'
import { readText } from './read-text.ts'

/**
 * `LOG_LEVEL`, as in the other services; default info.
 * @throws Failure `bad_config`
 */
export function readLogLevel(env: NodeJS.ProcessEnv): LogThreshold {
  return readEnv(env, 'LOG_LEVEL', { LOG_LEVEL: v.optional(logLevel, 'info') }).LOG_LEVEL
}

/** What the variables stand for in the configuration file. */
export interface EnvSettings {
  readonly SIDECAR_LISTEN: string
  readonly SIDECAR_UPSTREAM: string
  readonly SIDECAR_ALLOW?: string | undefined
  readonly SIDECAR_OPS?: string | undefined
}

/** The common case without a file: one HTTP route, everything else at its default. Takes what was validated already. */
export function fromEnv({
  SIDECAR_LISTEN,
  SIDECAR_UPSTREAM,
  SIDECAR_ALLOW,
  SIDECAR_OPS,
}: EnvSettings): ConfigFile {
  const allow = SIDECAR_ALLOW === undefined ? {} : { allow: splitAllow(SIDECAR_ALLOW) }
  const route = { name: 'main', kind: 'http', listen: SIDECAR_LISTEN, upstream: SIDECAR_UPSTREAM, ...allow }
  return v.parse(fileSchema, { ops: SIDECAR_OPS ?? null, routes: [route] })
}

/** `GET /metrics,GET /-/ready` */
export function splitAllow(text: string): string[] {
  return text.split(',').map((rule) => rule.trim())
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
    if (issue !== undefined) addIssue({ message: `${issue.message}; several are separated by commas` })
  }),
)

const withFile = { SIDECAR_CONFIG: v.string() }

const withoutFile = {
  SIDECAR_LISTEN: endpoint,
  SIDECAR_UPSTREAM: endpoint,
  SIDECAR_ALLOW: v.optional(allow),
  SIDECAR_OPS: v.optional(endpoint),
}

/**
 * Reads the configuration from the YAML file that `SIDECAR_CONFIG` names or, without that, one HTTP route from
 * `SIDECAR_LISTEN`, `SIDECAR_UPSTREAM`, `SIDECAR_ALLOW` and `SIDECAR_OPS`.
 * @throws Failure `bad_config` with every mistake, and the lines of those in the file.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const hasFile = env.SIDECAR_CONFIG !== undefined && env.SIDECAR_CONFIG !== ''
  if (!hasFile) return configOf(fromEnv(readEnv(env, 'SIDECAR_', withoutFile)))
  const { SIDECAR_CONFIG: path } = readEnv(env, 'SIDECAR_', withFile)
  return configOf(parseFile(readText(path), path))
}

/** The file's content in the form that the program uses. */
export function configOf({ ops, drain, routes }: ConfigFile): Config {
  return Object.freeze({ ops, drainMs: drain, routes: Object.freeze(routes.map(routeOf)) })
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
