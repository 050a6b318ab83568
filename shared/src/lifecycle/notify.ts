import { setTimeout as pause } from 'node:timers/promises'
import { MAX_PATH_BYTES } from '../endpoint/endpoint.ts'
import { errnoOf } from '../failure/failure.ts'
import {
  AF_UNIX,
  type Libc,
  libc,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SystemError,
} from '../kernel/libc.ts'
import { encodeUnixAddress } from '../kernel/socket-address.ts'

export type ServiceState = 'ready' | 'reloading' | 'stopping'

export interface NotifyOptions {
  readonly env: NodeJS.ProcessEnv
  /** Is told, in one line, why the service manager could not be told. */
  readonly onProblem: (problem: string) => void
}

const NANOSECONDS_PER_MICROSECOND = 1_000n

/** The manager's queue is full only while it hangs: it is tried again for a second. */
const RETRIES = 100
const RETRY_MS = 10

/**
 * Tells systemd, or whoever speaks its protocol, what this service does: for `Type=notify` and `Type=notify-reload`.
 * Where NOTIFY_SOCKET is not set nobody wants to know, and nothing is done. The service runs on whether or not it worked.
 * The protocol is that of sd_notify(3): one datagram to a Unix socket, which Node cannot send, so libc does.
 * @returns resolves when it is sent or given up, a second later at most; never rejects
 * @example
 * await notify('ready', { env: process.env, onProblem: (problem) => log.warn(problem) })
 */
export async function notify(state: ServiceState, { env, onProblem }: NotifyOptions): Promise<void> {
  const { NOTIFY_SOCKET: to } = env
  if (to === undefined || to === '') return
  const problem = await send(to, messageOf(state))
  if (problem !== undefined) onProblem(`the service manager was not told "${state}": ${problem}`)
}

/** The time, of CLOCK_MONOTONIC, shows systemd that this reload began after it asked for one. */
function messageOf(state: ServiceState): string {
  if (state === 'ready') return 'READY=1'
  if (state === 'stopping') return 'STOPPING=1'
  return `RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / NANOSECONDS_PER_MICROSECOND}`
}

/** @returns why not, if not */
async function send(to: string, message: string): Promise<string | undefined> {
  if (!/^[/@]./s.test(to)) return `NOTIFY_SOCKET is ${JSON.stringify(to)} and may be /a/path or @name`
  if (Buffer.byteLength(to) > MAX_PATH_BYTES) return `NOTIFY_SOCKET has more than ${MAX_PATH_BYTES} bytes`
  const c = libc()
  if (!c.available) return `${c.reason}; ${c.hint}, or use Type=exec`
  try {
    await sendDatagram(c, to, Buffer.from(message))
    return undefined
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return `NOTIFY_SOCKET ${to}: ${error.message}`
  }
}

async function sendDatagram(c: Libc, to: string, message: Buffer): Promise<void> {
  const address = encodeUnixAddress(
    to.startsWith('@') ? { kind: 'abstract', name: to.slice(1) } : { kind: 'unix', path: to },
  )
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    for (let retries = 0; ; retries++) {
      if (trySend(c, fd, message, address, retries < RETRIES)) return
      await pause(RETRY_MS)
    }
  } finally {
    c.close(fd)
  }
}

/** @returns false where trying again may help */
function trySend(c: Libc, fd: number, message: Buffer, address: Uint8Array, again: boolean): boolean {
  try {
    c.sendto(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL, address)
    return true
  } catch (error) {
    if (again && errnoOf(error) === 'EAGAIN') return false
    throw error
  }
}
