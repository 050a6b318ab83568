import { closeSync, openSync, readSync } from 'node:fs'
import { endianness, networkInterfaces } from 'node:os'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { formatAddress } from './address-bytes.ts'
import type { OwnAddresses } from './addresses.ts'

/** Routes after so many bytes are not read; the kernel lists the default route of IPv4 first. */
const MOST_BYTES = 262_144

/** The lists of routes of this process's network namespace (proc_pid_net(5)). */
const ROUTES = { ipv4: '/proc/net/route', ipv6: '/proc/net/ipv6_route' } as const

/**
 * The addresses of this machine and of its gateways at this moment. In a container they are those of the container, and
 * its default gateway is the machine that the engine runs on. Takes about 0.1 ms. Without /proc no gateway is known.
 * @throws Failure `io_error` when the system does not tell: nothing is dialled then
 */
export function ownAddresses(
  routes: { readonly ipv4: string; readonly ipv6: string } = ROUTES,
  interfaces: typeof networkInterfaces = networkInterfaces,
): OwnAddresses {
  return {
    own: interfaceAddresses(interfaces),
    gateways: [...ipv4Gateways(textOf(routes.ipv4)), ...ipv6Gateways(textOf(routes.ipv6))],
  }
}

function interfaceAddresses(interfaces: typeof networkInterfaces): string[] {
  try {
    return Object.values(interfaces()).flatMap((all = []) => all.map(({ address }) => address))
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
