import type { ContainerHandle } from './container-handle.ts'

const LISTEN = '0A'

/** The network interfaces that a container sees, sorted. */
export async function interfacesIn(service: ContainerHandle): Promise<string[]> {
  const text = await service.read('/proc/net/dev')
  return [...text.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name ?? '').sort()
}

/** Where something in a container listens on TCP over IPv4, as `address:port`, or over IPv6, as `[hex]:port`; sorted. */
export async function tcpListenersIn(service: ContainerHandle): Promise<string[]> {
  const [v4, v6] = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => service.read(path)))
  return [...listening(v4, dottedQuad), ...listening(v6, (hex) => `[${hex}]`)].sort()
}

/** Rows of proc_net_tcp(5): slot, local address, remote address, state. */
function listening(table = '', formatAddress: (hex: string) => string): string[] {
  const rows = table.trim().split('\n').slice(1)
  return rows
    .map((row) => row.trim().split(/[\s:]+/))
    .filter(([, , , , , state]) => state === LISTEN)
    .map(([, address = '', port = '']) => `${formatAddress(address)}:${Number.parseInt(port, 16)}`)
}

/** The kernel prints the address as a number of the machine's byte order: little-endian wherever Docker runs. */
function dottedQuad(hex: string): string {
  return Buffer.from(hex, 'hex').reverse().join('.')
}
