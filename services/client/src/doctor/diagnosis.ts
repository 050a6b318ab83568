import type { ExitCode } from '@uds-sidecar/shared/failure/exit-codes'

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
