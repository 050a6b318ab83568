import type { Insider } from './inside.ts'

/** The sockets that the sidecar relays, as app and sidecar mount them: metrics, api and echo. */
export const RELAYED_SOCKETS = [
  '/run/app/metrics/metrics.sock',
  '/run/app/api/api.sock',
  '/run/app/api/echo.sock',
] as const

/** What stands at each path, as `kind mode uid:gid`; or the errno that a look at it gave. */
export function modesOf(container: Insider, paths: readonly string[]): Promise<string[]> {
  return container.inside(async (paths) => {
    const { lstat } = await import('node:fs/promises')
    const { fileKind } = await import('@uds-sidecar/shared/dial/dial-failure')
    return Promise.all(
      paths.map(async (path) => {
        try {
          const stats = await lstat(path)
          const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0')
          return `${fileKind(stats)} ${mode} ${stats.uid}:${stats.gid}`
        } catch (error) {
          return (error as NodeJS.ErrnoException).code ?? String(error)
        }
      }),
    )
  }, paths)
}

/** The names in a directory, sorted. */
export function listingOf(container: Insider, directory: string): Promise<string[]> {
  return container.inside(async (directory) => {
    const { readdir } = await import('node:fs/promises')
    return (await readdir(directory)).sort()
  }, directory)
}

/** Which file stands at each path, as `dev:ino:birthtimeNs`; links are not followed. */
export function identitiesAt(container: Insider, paths: readonly string[]): Promise<string[]> {
  return container.inside(async (paths) => {
    const { lstat } = await import('node:fs/promises')
    const { formatIdentity, identityOf } = await import('@uds-sidecar/shared/bind/identity')
    const stats = await Promise.all(paths.map((path) => lstat(path, { bigint: true })))
    return stats.map((stat) => formatIdentity(identityOf(stat)))
  }, paths)
}
