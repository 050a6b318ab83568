import { endpointText } from '@uds-sidecar/shared/config/env-types'
import { readEnv } from '@uds-sidecar/shared/config/read-env'
import * as v from 'valibot'
import { isLoopback } from './client-conflicts.ts'
import { accessLog, type ConfigFile, fileSchema } from './file-schema.ts'
import { allowRule } from './route-schema.ts'
import { pemPath } from './tls-schema.ts'

const endpoint = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const { issues } = v.safeParse(endpointText, dataset.value)
    if (issues !== undefined) addIssue({ message: issues[0].message })
  }),
)

/** Rules, each of which may be for the one client that the environment can have. */
function allowFor(hasToken: boolean) {
  return v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      const issues = splitAllow(`${dataset.value}`).map((rule) => mistakeIn(rule, hasToken))
      const message = issues.find((issue) => issue !== undefined)
      if (message !== undefined) addIssue({ message: `${message}; separate several rules with commas` })
    }),
  )
}

function mistakeIn(text: string, hasToken: boolean): string | undefined {
  const parsed = v.safeParse(allowRule, text)
  if (!parsed.success) return parsed.issues[0].message
  const names = parsed.output.clients
  if (names.length === 0 || (hasToken && names.every((name) => name === CALLER))) return undefined
  return hasToken
    ? `may have only ${CALLER} after for, which is who has the token; use a configuration file for other clients`
    : `may have for ${CALLER} only together with SIDECAR_TOKEN; use a configuration file for other clients`
}

/** Who has the token of `SIDECAR_TOKEN`. */
const CALLER = 'caller'
const TOKEN = 'may be the absolute path of a file with bearer tokens, one a line'
const TOKEN_IN_CLEAR =
  'is a mistake without TLS on a network: everybody on it could read the token; set SIDECAR_CERTIFICATE and SIDECAR_KEY, or listen on 127.0.0.1 or a Unix socket'

const withoutFile = {
  SIDECAR_LISTEN: endpoint,
  SIDECAR_UPSTREAM: endpoint,
  SIDECAR_OPS: v.optional(endpoint),
  SIDECAR_ACCESS_LOG: v.optional(accessLog),
  SIDECAR_TRACE: v.optional(v.picklist(['true', 'false'], 'may be true or false')),
  SIDECAR_CERTIFICATE: v.optional(pemPath),
  SIDECAR_KEY: v.optional(pemPath),
  SIDECAR_CLIENT_CA: v.optional(pemPath),
}

/** A certificate needs its key, the key its certificate, and a CA for clients both. A token must not cross a network in clear. */
function settingsFor(env: NodeJS.ProcessEnv) {
  const { SIDECAR_LISTEN = '', SIDECAR_TOKEN = '', SIDECAR_CERTIFICATE = '' } = env
  const { SIDECAR_KEY = '', SIDECAR_CLIENT_CA = '', SIDECAR_UPSTREAM = '' } = env
  const isUnix = SIDECAR_LISTEN.startsWith('unix:')
  const hasTls = [SIDECAR_CERTIFICATE, SIDECAR_KEY, SIDECAR_CLIENT_CA].some((path) => path !== '')
  const onlyTcp = v.optional(
    v.pipe(
      pemPath,
      v.check(() => false, ONLY_TCP),
    ),
  )
  const path = hasTls && !isUnix ? pemPath : onlyTcp
  const isReadable = SIDECAR_TOKEN !== '' && !isUnix && !hasTls && !isLoopback(SIDECAR_LISTEN)
  const token = v.pipe(
    v.string(),
    v.regex(/^\/[^\0]+$/, TOKEN),
    v.check(() => !isReadable, TOKEN_IN_CLEAR),
  )
  const allow = allowFor(SIDECAR_TOKEN !== '')
  return {
    ...withoutFile,
    SIDECAR_ALLOW: SIDECAR_UPSTREAM.startsWith('tcp:') ? allow : v.optional(allow),
    ...(hasTls ? { SIDECAR_CERTIFICATE: path, SIDECAR_KEY: path } : {}),
    ...(hasTls && isUnix ? { SIDECAR_CLIENT_CA: onlyTcp } : {}),
    SIDECAR_TOKEN: v.optional(token),
  }
}

const ONLY_TCP = 'is only for SIDECAR_LISTEN=tcp://host:port; remove it'

interface EnvSettings {
  readonly SIDECAR_LISTEN: string
  readonly SIDECAR_UPSTREAM: string
  readonly SIDECAR_ALLOW?: string | undefined
  readonly SIDECAR_OPS?: string | undefined
  readonly SIDECAR_ACCESS_LOG?: string | undefined
  readonly SIDECAR_TRACE?: string | undefined
  readonly SIDECAR_CERTIFICATE?: string | undefined
  readonly SIDECAR_KEY?: string | undefined
  readonly SIDECAR_CLIENT_CA?: string | undefined
  readonly SIDECAR_TOKEN?: string | undefined
}

/**
 * The configuration file that these variables stand for: one HTTP route.
 * @throws Failure `bad_config` that lists every mistake.
 */
export function fileFromEnv(env: NodeJS.ProcessEnv): ConfigFile {
  const settings: EnvSettings = readEnv(env, 'SIDECAR_', settingsFor(env))
  const { SIDECAR_CERTIFICATE: certificate, SIDECAR_KEY: key, SIDECAR_CLIENT_CA: clientCa } = settings
  const { SIDECAR_TOKEN: token, SIDECAR_ALLOW = 'GET /metrics' } = settings
  const rules = splitAllow(SIDECAR_ALLOW)
  const ca = clientCa === undefined ? {} : { clientCa }
  const route = {
    name: 'main',
    kind: 'http',
    listen: settings.SIDECAR_LISTEN,
    upstream: settings.SIDECAR_UPSTREAM,
    allow: token === undefined ? rules : rules.map(forCaller),
    ...(certificate === undefined ? {} : { tls: { certificate, key, ...ca } }),
  }
  const clients = token === undefined ? {} : { [CALLER]: { token } }
  return v.parse(fileSchema, {
    ops: settings.SIDECAR_OPS ?? null,
    clients,
    accessLog: settings.SIDECAR_ACCESS_LOG,
    trace: settings.SIDECAR_TRACE === 'true',
    routes: [route],
  })
}

function forCaller(rule: string): string {
  return / for [a-z]/.test(rule) ? rule : `${rule} for ${CALLER}`
}

/** Splits `GET /metrics, GET /-/ready` into its rules. */
function splitAllow(text: string): string[] {
  return text.split(',').map((rule) => rule.trim())
}
