import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'

export interface ListenOptions {
  /** Permission bits of the socket file; the owner must have w (0200). Default 0660. Only `unix:/path`. */
  readonly mode?: number | undefined
  /** Group (gid) of the socket file. Default: that of a setgid directory, else that of the process. Only `unix:/path`. */
  readonly group?: number | undefined
  /**
   * What to do about a running server at the path: `refuse` fails with `in_use`, `takeover` replaces it, and it drains.
   * Both servers need `takeover` for that. Default `refuse`. Only `unix:/path`.
   */
  readonly onConflict?: 'refuse' | 'takeover' | undefined
  /** Remove the socket file on close. Default true; false leaves a stale socket. Only `unix:/path`. */
  readonly unlinkOnClose?: boolean | undefined
  /** Watch the socket file: publish it again after deletion, end after a takeover. Default true. Only `unix:/path`. */
  readonly watch?: boolean | undefined
  /**
   * A descriptor that already listens (systemd's `LISTEN_FDS`), at least 3. It is used as it is: its file is neither
   * made nor removed. Default none.
   */
  readonly fd?: number | undefined
  /** Most connections that wait to be accepted; the kernel's own limit is net.core.somaxconn. Default 511. */
  readonly backlog?: number | undefined
  /**
   * Called once for each wait for the path's lock that takes longer than 1 s. The notice says who holds the lock, how
   * long the wait may last, and what ends it. Default: writes it to stderr. Only `unix:/path`.
   */
  readonly onWait?: ((notice: string) => void) | undefined
  /** Milliseconds that connections may take to end after close; then they are cut. Default 10000. */
  readonly drainMs?: number | undefined
  /** Closes the listener when it aborts. Default none. */
  readonly signal?: AbortSignal | undefined
}

export const DEFAULT_MODE = 0o660
export const DEFAULT_BACKLOG = 511
export const DEFAULT_DRAIN_MS = 10_000

const FILE_OPTIONS = ['mode', 'group', 'onConflict', 'unlinkOnClose', 'watch'] as const

/** @throws Failure `bad_option` with the option's name, its value and the allowed values */
export function checkOptions(endpoint: Endpoint, options: ListenOptions): void {
  const { mode = DEFAULT_MODE, group, backlog = DEFAULT_BACKLOG, drainMs = DEFAULT_DRAIN_MS, fd } = options
  const { onConflict = 'refuse' } = options
  if (fd !== undefined) refuseFileOptions(endpoint, options, 'an inherited descriptor is used as it is')
  else if (endpoint.kind !== 'unix') refuseFileOptions(endpoint, options, 'it has no socket file')
  check(Number.isInteger(mode) && mode >= 0 && mode <= 0o777, 'mode', mode, 'a number from 0 to 0o777')
  check((mode & 0o200) !== 0, 'mode', `0${mode.toString(8)}`, 'a mode with w for the owner (0200)')
  check(group === undefined || isWhole(group), 'group', group, 'a group id')
  check(['refuse', 'takeover'].includes(onConflict), 'onConflict', onConflict, 'refuse or takeover')
  check(isWhole(backlog) && backlog > 0, 'backlog', backlog, 'a whole number, 1 or higher')
  check(isWhole(drainMs), 'drainMs', drainMs, 'milliseconds, 0 or more')
  check(fd === undefined || (isWhole(fd) && fd > 2), 'fd', fd, 'a descriptor, 3 or higher')
}

function refuseFileOptions(endpoint: Endpoint, options: ListenOptions, reason: string): void {
  const given = FILE_OPTIONS.filter((name) => options[name] !== undefined)
  if (given.length === 0) return
  throw new Failure('bad_option', {
    message: `${given.join(', ')} cannot be used with ${formatEndpoint(endpoint)}: ${reason}`,
    hint: `leave out ${given.join(', ')}`,
  })
}

function check(good: boolean, name: string, value: unknown, allowed: string): void {
  if (good) return
  throw new Failure('bad_option', { message: `${name} is ${value}`, hint: `${name} may be ${allowed}` })
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff
}
