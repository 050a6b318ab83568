import type { ContainerInspectInfo } from 'dockerode'

const MEBIBYTE = 1024 * 1024

/** What the engine was told about a container's rights and bounds. */
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
