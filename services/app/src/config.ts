import { endpointText, integerText, logLevel, oneOf, onOff } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { type BuildInfo, buildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { LogThreshold } from '@uds-sidecar/shared/lifecycle/log'
import { inheritedDescriptors } from '@uds-sidecar/shared/listen/inherited-descriptors'
import * as v from 'valibot'

const USAGE = `usage: app [--version | --help]

  --version  print the version
  --help     print this

Configured by environment variables that begin with APP_.
`

/** Handles `--version`, `--help` and unknown options. @returns false if there is no option, so that the app runs. */
export function runOption(args: readonly string[], { version, revision }: BuildInfo): boolean {
  const [option] = args
  if (option === undefined) return false
  if (option === '--version') process.stdout.write(`app ${version} (${revision})\n`)
  else if (option === '--help' || option === '-h') process.stdout.write(USAGE)
  else refuse(option)
  return true
}

function refuse(option: string): void {
  process.stderr.write(`app: there is no option ${option}\n${USAGE}`)
  process.exitCode = EXIT.usage
}

export interface Config {
  readonly metrics: Endpoint
  readonly api: Endpoint
  readonly echo: Endpoint
  readonly admin: Endpoint
  /** One more endpoint for the API (APP_TCP). Undefined: the app is not on the network. */
  readonly tcp: Endpoint | undefined
  readonly redis: Endpoint
  /** A socket of the sidecar that leads to the partner's API. */
  readonly partner: Endpoint
  /** Descriptors of listening sockets that systemd passed (LISTEN_FDS), by the name of the listener. */
  readonly inherited: ReadonlyMap<string, number>
  /** What to do about a running instance; see `ListenOptions`. */
  readonly onConflict: 'refuse' | 'takeover'
  readonly unlinkOnClose: boolean
  /** Milliseconds that requests in progress may take after SIGTERM. */
  readonly drainMs: number
  /** Whether the admin socket accepts requests. */
  readonly chaos: boolean
  readonly logLevel: LogThreshold
  readonly build: BuildInfo
}

const entries = {
  APP_METRICS: v.optional(endpointText, 'unix:/run/app/metrics/metrics.sock'),
  APP_API: v.optional(endpointText, 'unix:/run/app/api/api.sock'),
  APP_ECHO: v.optional(endpointText, 'unix:/run/app/api/echo.sock'),
  APP_ADMIN: v.optional(endpointText, 'unix:/run/app/api/admin.sock'),
  APP_TCP: v.optional(endpointText),
  APP_REDIS: v.optional(endpointText, 'unix:/run/redis/redis.sock'),
  APP_PARTNER: v.optional(endpointText, 'unix:/run/app/out/partner.sock'),
  APP_ON_CONFLICT: v.optional(oneOf(['refuse', 'takeover']), 'refuse'),
  APP_UNLINK_ON_CLOSE: v.optional(onOff, 'on'),
  APP_DRAIN_MS: v.optional(integerText(0, 600_000), '10000'),
  APP_CHAOS: v.optional(onOff, 'off'),
  LOG_LEVEL: v.optional(logLevel, 'info'),
}

/** @throws Failure `bad_config` with every mistake at once */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const read = readEnv(env, 'APP_', entries)
  return Object.freeze({
    metrics: read.APP_METRICS,
    api: read.APP_API,
    echo: read.APP_ECHO,
    admin: read.APP_ADMIN,
    tcp: read.APP_TCP,
    redis: read.APP_REDIS,
    partner: read.APP_PARTNER,
    inherited: inheritedDescriptors(env),
    onConflict: read.APP_ON_CONFLICT,
    unlinkOnClose: read.APP_UNLINK_ON_CLOSE,
    drainMs: read.APP_DRAIN_MS,
    chaos: read.APP_CHAOS,
    logLevel: read.LOG_LEVEL,
    build: buildInfo(env),
  })
}
