import type { ContainerInspectInfo } from 'dockerode'
import type { ContainerHandle } from './container.ts'

const MEBIBYTE = 1024 * 1024

/** The rights and limits of a container, according to the engine. */
export function hardeningOf({ Config, HostConfig }: ContainerInspectInfo) {
  return {
    user: Config.User,
    groups: HostConfig.GroupAdd ?? [],
    network: HostConfig.NetworkMode,
    capDrop: HostConfig.CapDrop,
    capAdd: HostConfig.CapAdd ?? [],
    securityOpt: HostConfig.SecurityOpt,
    privileged: HostConfig.Privileged,
    readOnlyRoot: HostConfig.ReadonlyRootfs,
    init: HostConfig.Init,
    pidsLimit: HostConfig.PidsLimit,
    memoryMiB: (HostConfig.Memory ?? 0) / MEBIBYTE,
    restart: HostConfig.RestartPolicy?.Name,
  }
}

/** Every mount as `path rw` or `path ro`, sorted. */
export function mountsOf({ Mounts }: ContainerInspectInfo): string[] {
  return Mounts.map(({ Destination, RW }) => `${Destination} ${RW ? 'rw' : 'ro'}`).sort()
}

const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const
const SECCOMP_FILTER = '2'

/** The rights of a container's first process, which the others inherit, by the kernel's word (proc_pid_status(5)). */
export async function processStatus(service: ContainerHandle) {
  const fields = fieldsOf(await service.read('/proc/1/status'))
  const numbers = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean).map(Number)
  return {
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups').sort((a, b) => a - b),
    capabilities: CAPABILITY_SETS.map((set) => `${set} ${fields.get(set)}`),
    noNewPrivileges: fields.get('NoNewPrivs') === '1',
    seccompFilter: fields.get('Seccomp') === SECCOMP_FILTER,
  }
}

function fieldsOf(status: string): Map<string, string> {
  const lines = status.trim().split('\n')
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
}

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
