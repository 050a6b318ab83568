import { readFileSync } from 'node:fs'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import * as v from 'valibot'
import type { Config, Route } from './config.ts'
import type { ConfigFile } from './file-schema.ts'
import { parseFile } from './parse-file.ts'

/**
 * Reads the configuration from the YAML file that `SIDECAR_CONFIG` names.
 * @throws Failure `bad_config` with every mistake and its line.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const { SIDECAR_CONFIG: path } = readEnv(env, 'SIDECAR_', { SIDECAR_CONFIG: v.string() })
  return configOf(parseFile(readText(path), path))
}

/** The file's content in the form that the program uses. */
export function configOf({ ops, drain, routes }: ConfigFile): Config {
  return Object.freeze({ ops, drainMs: drain, routes: Object.freeze(routes.map(routeOf)) })
}

function routeOf({ timeouts, ...rest }: ConfigFile['routes'][number]): Route {
  return Object.freeze({ ...rest, timeoutsMs: timeouts }) as Route
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Failure('bad_config', {
      message: `SIDECAR_CONFIG is ${JSON.stringify(path)}, which cannot be read`,
      hint: 'mount the file there (configs in Compose) and let the user of this process read it',
      errno: errnoOf(cause),
      cause,
    })
  }
}
