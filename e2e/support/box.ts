import type { HostConfig } from 'dockerode'

/** What a container beside the stack may be and see; hardened as compose.yaml does it, unless said otherwise. */
export interface Box {
  readonly image: string
  /** `uid:gid`. Default: the image's. */
  readonly user?: string
  readonly groups?: readonly (string | number)[]
  /** `volume:/path` or `volume:/path:ro`. */
  readonly mounts?: readonly string[]
  /** Default: none. */
  readonly network?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly sysctls?: Readonly<Record<string, string>>
}

export function hostConfigOf({ groups = [], mounts = [], network = 'none', sysctls = {} }: Box): HostConfig {
  return {
    Binds: [...mounts],
    CapDrop: ['ALL'],
    GroupAdd: groups.map(String),
    Init: true,
    Memory: 256 * 1024 * 1024,
    NetworkMode: network,
    PidsLimit: 128,
    ReadonlyRootfs: true,
    SecurityOpt: ['no-new-privileges:true'],
    Sysctls: { ...sysctls },
  }
}
