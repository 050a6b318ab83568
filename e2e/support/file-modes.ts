import type { Insider } from './insider.ts'

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
