import { type ExitCode, FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import type { Inspection } from '@uds-sidecar/shared/inspect/inspect'
import { visible } from '@uds-sidecar/shared/text/visible'
import type { Reach } from '../access/access.ts'
import type { Conversation } from './conversation.ts'
import type { Place } from './place.ts'
import type { TlsReport } from './tls-report.ts'

/** Everything that findings are derived from. */
export interface Facts {
  readonly place: Place
  readonly inspection: Inspection
  /** With what the endpoint was asked. */
  readonly reach: Reach
  /** The TLS handshake; null without a connection, and where none was to be done. */
  readonly tls: TlsReport | null
  /** The server broke off or sent something else, and then turned out to speak TLS where nothing is presented to it. */
  readonly speaksTls: boolean
  /** Null without a connection, and after a failed handshake. */
  readonly conversation: Conversation | null
  /** Other sockets in the directory of a missing one, if the directory is readable. */
  readonly neighbours: readonly string[]
  /** Time limit for a response. */
  readonly timeoutMs: number
}

export function finding(
  name: FindingName,
  code: FailureCode,
  message: string,
  fixes: readonly Fix[],
): Finding {
  return { name, code, message, fixes, exitCode: FAILURES[code].exitCode }
}

export function shell(text: string, when?: string): Fix {
  return { where: 'shell', text, ...(when === undefined ? {} : { when }) }
}

export function compose(text: string, when?: string): Fix {
  return { where: 'compose', text, ...(when === undefined ? {} : { when }) }
}

export function advice(text: string): Fix {
  return { where: 'advice', text }
}

/**
 * The Compose line that mounts the volume of the place at `directory`. JSON strings are valid YAML. `$` is doubled, or
 * Compose would expand a variable. A path with a colon needs the long form, because a colon ends it in the short form.
 */
export function mountOf({ volume = 'VOLUME' }: Place, directory: string): string {
  const target = directory.replaceAll('$', '$$$$')
  const text = (value: string) => visible(JSON.stringify(value))
  if (!target.includes(':')) return `volumes: [${text(`${volume}:${target}:ro`)}]`
  return `volumes: [{type: volume, source: ${volume}, target: ${text(target)}, read_only: true}]`
}

/** Commands for the Compose service that listens at the place; none if the service is unknown. */
export function onService({ service }: Place, ...commands: readonly string[]): Fix[] {
  return service === undefined ? [] : commands.map((command) => shell(`docker compose ${command} ${service}`))
}

/** One check on the path to a response. */
export interface Step {
  /** `note`: it works, but the user may want to know something. */
  readonly state: 'ok' | 'note' | 'failed'
  readonly subject: string
  readonly said: string
}

/** How to fix it: a line for a Compose file, a command to run, or advice if neither is known. */
export interface Fix {
  readonly where: 'compose' | 'shell' | 'advice'
  readonly text: string
  /** When this fix applies, or what it shows. */
  readonly when?: string
}

/** What prevents a response. */
export interface Finding {
  /** More precise than the code: `socket_denied` may come from the mode of the socket or of a directory. */
  readonly name: FindingName
  /** A code of the failure table, or the code that a sidecar or an app sent. */
  readonly code: string
  readonly message: string
  readonly fixes: readonly Fix[]
  readonly exitCode: ExitCode
}

export const FINDING_NAMES = [
  'bad_endpoint',
  'path_too_long',
  'directory_missing',
  'directory_denied',
  'file_missing',
  'dangling_link',
  'not_a_socket',
  'wrong_socket_type',
  'socket_denied',
  'stale',
  'backlog_full',
  'name_missing',
  'refused',
  'host_unknown',
  'unreachable',
  'connect_timeout',
  'certificate_expired',
  'certificate_not_yet_valid',
  'certificate_self_signed',
  'certificate_untrusted',
  'certificate_wrong_name',
  'client_certificate_missing',
  'client_certificate_refused',
  'tls_version',
  'no_tls',
  'tls_failed',
  'tls_required',
  'credential_missing',
  'credential_wrong',
  'not_permitted',
  'too_many_attempts',
  'hung',
  'reset',
  'wrong_protocol',
  'not_ready',
  'server_error',
  'other',
] as const

export type FindingName = (typeof FINDING_NAMES)[number]

export interface Diagnosis {
  readonly endpoint: string
  readonly verdict: 'live' | 'denied_by_design' | FindingName
  readonly steps: readonly Step[]
  readonly finding: Finding | null
  readonly exitCode: ExitCode
}
