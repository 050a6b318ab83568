import type { HostConfig } from 'dockerode'

/** What a container beside the stack may be and see; hardened as compose.yaml does it, unless said otherwise. */
export interface Box {
  readonly image: string
  /** `uid:gid`. Default: the image's. */
  readonly user?: string
  readonly groups?: readonly (string | number)[]
  /** What it keeps of a container's usual capabilities. Default: none. */
  readonly capabilities?: readonly string[]
  /** `volume:/path` or `volume:/path:ro`. */
  readonly mounts?: readonly string[]
  /** Directories that it may write to, in memory. */
  readonly scratch?: readonly string[]
  /** Default: none. */
  readonly network?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly sysctls?: Readonly<Record<string, string>>
}

export function hostConfigOf(box: Box): HostConfig {
  const { groups = [], capabilities = [], mounts = [], scratch = [], network = 'none', sysctls = {} } = box
  return {
    Binds: [...mounts],
    CapAdd: [...capabilities],
    CapDrop: ['ALL'],
    GroupAdd: groups.map(String),
    Init: true,
    Memory: 256 * 1024 * 1024,
    NetworkMode: network,
    PidsLimit: 128,
    ReadonlyRootfs: true,
    SecurityOpt: ['no-new-privileges:true'],
    Sysctls: { ...sysctls },
    Tmpfs: Object.fromEntries(scratch.map((path) => [path, 'mode=1777'])),
  }
}
