import * as v from 'valibot'
import { type ConfigFile, fileSchema } from './file-schema.ts'

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
