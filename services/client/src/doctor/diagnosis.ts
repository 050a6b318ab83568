import { type ExitCode, FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import type { Inspection } from '@uds-sidecar/shared/inspect/inspect'
import { visible } from '@uds-sidecar/shared/text/visible'
import type { Conversation } from './conversation.ts'
import type { Place } from './place.ts'

/** Everything that the findings go by. */
export interface Facts {
  readonly place: Place
  readonly inspection: Inspection
  /** Null where there was no connection. */
  readonly conversation: Conversation | null
  /** Other sockets beside one that is missing, where the directory may be read. */
  readonly neighbours: readonly string[]
  /** Milliseconds that an answer had. */
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
 * The line that mounts the volume of the place at `directory`. JSON's strings are YAML's, Compose reads `$` as the
 * beginning of a variable, and a colon would end the path in the short form.
 */
export function mountOf({ volume = 'VOLUME' }: Place, directory: string): string {
  const target = directory.replaceAll('$', '$$$$')
  const text = (value: string) => visible(JSON.stringify(value))
  if (!target.includes(':')) return `volumes: [${text(`${volume}:${target}:ro`)}]`
  return `volumes: [{type: volume, source: ${volume}, target: ${text(target)}, read_only: true}]`
}

/** Commands on the Compose service that listens at the place; none where it is not known. */
export function onService({ service }: Place, ...commands: readonly string[]): Fix[] {
  return service === undefined ? [] : commands.map((command) => shell(`docker compose ${command} ${service}`))
}

/** One thing that was looked at on the way to an answer. */
export interface Step {
  /** `note`: it works, and a person may want to know. */
  readonly state: 'ok' | 'note' | 'failed'
  readonly subject: string
  readonly said: string
}

/** What mends it: a line to put into a Compose file, a command to run, or, where neither can be known, advice. */
export interface Fix {
  readonly where: 'compose' | 'shell' | 'advice'
  readonly text: string
  /** When this is the one to take. */
  readonly when?: string
}

/** Where the way to an answer ends. */
export interface Finding {
  /** Finer than the code: `socket_denied` may be the socket's mode or a directory's. */
  readonly name: FindingName
  /** Of the failure contract, or what a sidecar or an app said. */
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
  'hung',
  'reset',
  'wrong_protocol',
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
