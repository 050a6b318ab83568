import { closeSync, openSync, readSync } from 'node:fs'
import { endianness, type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { firstOfNetwork, formatAddress, isSameNetwork, parseAddress } from './address-bytes.ts'
import { kindOf, type OwnAddresses } from './addresses.ts'
import type { AddressKind } from './special-addresses.ts'

/** Routes after so many bytes are not read; the kernel lists the default route of IPv4 first. */
const MOST_BYTES = 262_144

/** The lists of routes of this process's network namespace (proc_pid_net(5)). */
const ROUTES = { ipv4: '/proc/net/route', ipv6: '/proc/net/ipv6_route' } as const

/**
 * The addresses of this machine and of its gateways at this moment. In a container they are those of the container, and
 * its gateways are the machine that the engine runs on. Takes about 0.1 ms.
 *
 * A network without a gateway in the list of routes, such as one of Docker with `internal: true`, can have one all the
 * same: the engine gives itself the first address. That one counts as a gateway, unless the network is globally
 * reachable. Without /proc these are all that is known.
 * @throws Failure `io_error` when the system does not tell: nothing is dialled then
 */
export function ownAddresses(
  routes: { readonly ipv4: string; readonly ipv6: string } = ROUTES,
  interfaces: typeof networkInterfaces = networkInterfaces,
): OwnAddresses {
  const connected = interfaceAddresses(interfaces)
  const own = connected.map(({ address }) => address)
  const gateways = [...ipv4Gateways(textOf(routes.ipv4)), ...ipv6Gateways(textOf(routes.ipv6))]
  return { own, gateways: [...gateways, ...probableGateways(connected, gateways)] }
}

/**
 * In a global network the first address may be any host, and needs no setting. A link-local address is dialled with a
 * scope alone.
 */
const OPEN_OR_LOCAL: ReadonlySet<AddressKind> = new Set(['global', 'link-local'])

/** The first addresses of the networks that have no gateway among `known`. */
function probableGateways(connected: readonly NetworkInterfaceInfo[], known: readonly string[]): string[] {
  const gateways = known.flatMap((text) => parseAddress(text) ?? [])
  const firsts = connected.flatMap(({ address: text, netmask: maskText, internal }) => {
    const [address, netmask] = [parseAddress(text), parseAddress(maskText)]
    if (internal || address === undefined || netmask === undefined) return []
    if (OPEN_OR_LOCAL.has(kindOf(address))) return []
    if (gateways.some((each) => isSameNetwork(each, address, netmask))) return []
    return firstOfNetwork(address, netmask) ?? []
  })
  // A machine that has the first address itself is the gateway.
  const own = new Set(connected.map(({ address }) => address))
  return [...new Set(firsts.map(formatAddress))].filter((text) => !own.has(text))
}

function interfaceAddresses(interfaces: typeof networkInterfaces): NetworkInterfaceInfo[] {
  try {
    return Object.values(interfaces()).flatMap((all = []) => all)
  } catch (cause) {
    throw new Failure('io_error', {
      message:
        'the addresses of this machine cannot be read, so nothing is dialled: it could be this machine',
      hint: 'allow the sidecar the address family AF_NETLINK (RestrictAddressFamilies= of systemd, seccomp)',
      cause,
    })
  }
}

/** Columns: interface, destination, gateway, …, in hexadecimal, each address as a number of this machine. */
function ipv4Gateways(text: string): string[] {
  return columnsOf(text).flatMap(([, , gateway = '']) => {
    if (!/^[0-9A-F]{8}$/.test(gateway)) return []
    const bytes = Buffer.from(gateway, 'hex')
    return nonZero(endianness() === 'LE' ? bytes.reverse() : bytes)
  })
}

/** Columns: destination, its length, source, its length, next hop, …, in hexadecimal, addresses in network order. */
function ipv6Gateways(text: string): string[] {
  return columnsOf(text).flatMap(([, , , , gateway = '']) =>
    /^[0-9a-f]{32}$/.test(gateway) ? nonZero(Buffer.from(gateway, 'hex')) : [],
  )
}

/** A route without a gateway has zeros there. */
function nonZero(bytes: Buffer): string[] {
  return bytes.every((byte) => byte === 0) ? [] : [formatAddress(bytes)]
}

function columnsOf(text: string): string[][] {
  return text.split('\n').map((line) => line.trim().split(/\s+/))
}

function textOf(path: string): string {
  try {
    return readBegin(path)
  } catch {
    return '' // no /proc, or IPv6 is switched off
  }
}

/** Files in /proc have no size, and one read returns at most a page or two. */
function readBegin(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(MOST_BYTES)
    let length = 0
    for (let count = -1; count !== 0 && length < MOST_BYTES; length += count)
      count = readSync(fd, bytes, length, MOST_BYTES - length, null)
    return bytes.toString('latin1', 0, length)
  } finally {
    closeSync(fd)
  }
}
