import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'

export interface ListenOptions {
  /** Permission bits of the socket file, at least 0200. Default 0660. Only `unix:/path`. */
  readonly mode?: number | undefined
  /** Group (gid) of the socket file. Default: that of a setgid directory, else the process's. Only `unix:/path`. */
  readonly group?: number | undefined
  /** What to do about another server at the path, see `BindOptions`. Default `refuse`. Only `unix:/path`. */
  readonly onConflict?: 'refuse' | 'takeover' | undefined
  /** Remove the socket file on close. Default true; false leaves a stale file. Only `unix:/path`. */
  readonly unlinkOnClose?: boolean | undefined
  /** Notice deletion and takeover of the socket file. Default true. Only `unix:/path`. */
  readonly watch?: boolean | undefined
  /** A descriptor that listens already (systemd's `LISTEN_FDS`): used as it is, its file never unlinked. */
  readonly fd?: number | undefined
  /** Connections that wait to be accepted; the kernel caps it at net.core.somaxconn. Default 511. */
  readonly backlog?: number | undefined
  /**
   * Is told, once for each wait, when the lock of the path is not to be had within a second: who holds it, how long we
   * wait, and what ends the wait. Default: a line on stderr. Only `unix:/path`.
   */
  readonly onWait?: ((notice: string) => void) | undefined
  /** Milliseconds that connections have to end after close. Default 10000. */
  readonly drainMs?: number | undefined
  /** Closes the listener when it aborts. */
  readonly signal?: AbortSignal | undefined
}

export const DEFAULT_MODE = 0o660
export const DEFAULT_BACKLOG = 511
export const DEFAULT_DRAIN_MS = 10_000

const FILE_OPTIONS = ['mode', 'group', 'onConflict', 'unlinkOnClose', 'watch'] as const

/** @throws Failure `bad_option`, naming the option, what it was and what it may be */
export function checkOptions(endpoint: Endpoint, options: ListenOptions): void {
  const { mode = DEFAULT_MODE, group, backlog = DEFAULT_BACKLOG, drainMs = DEFAULT_DRAIN_MS, fd } = options
  const { onConflict = 'refuse' } = options
  if (fd !== undefined) refuseFileOptions(endpoint, options, 'an inherited descriptor is used as it is')
  else if (endpoint.kind !== 'unix') refuseFileOptions(endpoint, options, 'it has no socket file')
  check(Number.isInteger(mode) && mode >= 0 && mode <= 0o777, 'mode', mode, 'a number from 0 to 0o777')
  check((mode & 0o200) !== 0, 'mode', `0${mode.toString(8)}`, 'a mode that lets the owner write (0200)')
  check(group === undefined || isWhole(group), 'group', group, 'a group id')
  check(['refuse', 'takeover'].includes(onConflict), 'onConflict', onConflict, 'refuse or takeover')
  check(isWhole(backlog) && backlog > 0, 'backlog', backlog, 'a whole number from 1')
  check(isWhole(drainMs), 'drainMs', drainMs, 'milliseconds from 0')
  check(fd === undefined || (isWhole(fd) && fd > 2), 'fd', fd, 'a descriptor from 3')
}

function refuseFileOptions(endpoint: Endpoint, options: ListenOptions, reason: string): void {
  const given = FILE_OPTIONS.filter((name) => options[name] !== undefined)
  if (given.length === 0) return
  throw new Failure('bad_option', {
    message: `${given.join(', ')} cannot be applied to ${formatEndpoint(endpoint)}: ${reason}`,
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
