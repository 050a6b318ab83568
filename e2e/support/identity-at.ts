import type { Insider } from './insider.ts'

/** Which file stands at each path, as `dev:ino:birthtimeNs`; links are not followed. */
export function identitiesAt(container: Insider, paths: readonly string[]): Promise<string[]> {
  return container.inside(async (paths) => {
    const { lstat } = await import('node:fs/promises')
    const { formatIdentity, identityOf } = await import('@uds-sidecar/shared/bind/identity')
    const stats = await Promise.all(paths.map((path) => lstat(path, { bigint: true })))
    return stats.map((stat) => formatIdentity(identityOf(stat)))
  }, paths)
}
