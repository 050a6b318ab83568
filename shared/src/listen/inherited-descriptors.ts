import { isIP, SocketAddress } from 'node:net'
import { type Endpoint, formatEndpoint, type TcpEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { type SocketFacts, socketFacts } from '../kernel/descriptor.ts'
import { type Libc, libc } from '../kernel/libc.ts'

/** SD_LISTEN_FDS_START: 0 to 2 are stdin, stdout and stderr. */
const FIRST_DESCRIPTOR = 3

/**
 * The listening sockets that systemd, or whoever speaks its protocol, passed to this process: name
 * (`FileDescriptorName=`) → descriptor, for `listen`'s option `fd`. Without LISTEN_FDNAMES the name is the descriptor
 * itself, such as `3`. Empty if nothing was passed, or it was passed to another process (LISTEN_PID): behind a shell
 * or an init, our pid is not the one that systemd started. The rules are those of sd_listen_fds(3).
 * @throws Failure `bad_config` for what those rules do not allow, or two descriptors of one name
 */
export function inheritedDescriptors(
  env: NodeJS.ProcessEnv,
  pid: number = process.pid,
): ReadonlyMap<string, number> {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env
  if (forPid === undefined || count === undefined) return new Map()
  if (wholeNumber('LISTEN_PID', forPid) !== pid) return new Map()
  return nameDescriptors(wholeNumber('LISTEN_FDS', count), names?.split(':'))
}

/**
 * Refuses an inherited descriptor that is not the listening socket of `endpoint`: a file, another kind of socket, one
 * that does not listen, or one that is bound elsewhere. Without libc nobody can look, and nothing is refused here.
 * @throws Failure `bad_option`, naming what the descriptor is; SystemError EBADF if it is not open
 */
export async function checkDescriptor(fd: number, endpoint: Endpoint): Promise<void> {
  const c = libc()
  if (!c.available) return
  const what = await differenceFrom(endpoint, factsOf(c, fd))
  if (what === undefined) return
  throw new Failure('bad_option', {
    message: `descriptor ${fd} is not the socket of ${formatEndpoint(endpoint)}: it ${what}`,
    hint: 'name the endpoint as in ListenStream= of the socket unit, and its listener as in FileDescriptorName=',
  })
}

/** Undefined for what is no socket. */
function factsOf(c: Libc, fd: number): SocketFacts | undefined {
  try {
    return socketFacts(c, fd)
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSOCK') throw error
    return undefined
  }
}

async function differenceFrom(
  endpoint: Endpoint,
  facts: SocketFacts | undefined,
): Promise<string | undefined> {
  if (facts === undefined) return 'is no socket'
  const { domain, type, listening, address } = facts
  const isTcp = domain === 'ipv4' || domain === 'ipv6'
  if (endpoint.kind === 'tcp' ? !isTcp : domain !== 'unix') return `is of another kind (${domain})`
  if (type !== 'stream') return `is no stream socket (${type})`
  if (!listening) return 'does not listen'
  if (address === undefined) return 'has no address'
  if (await isSame(endpoint, address)) return undefined
  return `listens on ${formatEndpoint(address)}`
}

async function isSame(expected: Endpoint, bound: Endpoint): Promise<boolean> {
  if (expected.kind !== 'tcp' || bound.kind !== 'tcp')
    return formatEndpoint(expected) === formatEndpoint(bound)
  if (expected.port !== 0 && expected.port !== bound.port) return false
  return (await addressesOf(expected)).includes(bound.host)
}

/** The addresses that a host may stand for, written as `socketFacts` writes them. */
async function addressesOf({ host }: TcpEndpoint): Promise<string[]> {
  const addresses = isIP(host) ? [{ address: host }] : await lookUp(host)
  return addresses.map(({ address }) => {
    const [bare = ''] = address.split('%') // without the scope of a link-local address
    return new SocketAddress({ address: bare, family: isIP(bare) === 6 ? 'ipv6' : 'ipv4' }).address
  })
}

async function lookUp(host: string): Promise<{ readonly address: string }[]> {
  const { lookup } = await import('node:dns/promises') // loading it takes 7 ms, and few starts need it
  return await lookup(host, { all: true })
}

function nameDescriptors(count: number, names: readonly string[] | undefined): Map<string, number> {
  const descriptors = Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index)
  if (names !== undefined && names.length !== count)
    throw invalid('LISTEN_FDNAMES', names.join(':'), `${count} names between colons, as many as LISTEN_FDS`)
  const named = new Map(descriptors.map((fd, index) => [names?.[index] ?? String(fd), fd]))
  if (named.size < count)
    throw invalid(
      'LISTEN_FDNAMES',
      String(names?.join(':')),
      'a name of its own for each socket (FileDescriptorName=)',
    )
  return named
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(name, text, 'a whole number')
  return Number(text)
}

function invalid(name: string, text: string, allowed: string): Failure {
  return new Failure('bad_config', {
    message: `${name} is ${JSON.stringify(text)} and may be ${allowed}`,
    hint: 'start this program from a systemd socket unit, or unset the variable',
  })
}
