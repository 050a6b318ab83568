import { logLevel } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import type { LogThreshold } from '@uds-sidecar/shared/lifecycle/log'
import * as v from 'valibot'

/**
 * `LOG_LEVEL`, as in the other services; default info.
 * @throws Failure `bad_config`
 */
export function readLogLevel(env: NodeJS.ProcessEnv): LogThreshold {
  return readEnv(env, 'LOG_LEVEL', { LOG_LEVEL: v.optional(logLevel, 'info') }).LOG_LEVEL
}
