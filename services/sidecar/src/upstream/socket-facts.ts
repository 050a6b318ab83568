import { lstat } from 'node:fs/promises'
import { type FileKind, fileKind } from '@uds-sidecar/shared/dial/file-kind'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'

/** What `lstat` says of the file at a socket path. */
export interface SocketFacts {
  readonly kind: FileKind
  /** Permission bits in octal, such as `0660`. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  /** Device, inode and birth time: another one means that another socket stands at the path. */
  readonly identity: string
}

/** Undefined when nothing can be seen there, and for endpoints that are no file. */
export async function socketFacts(endpoint: Endpoint): Promise<SocketFacts | undefined> {
  if (endpoint.kind !== 'unix') return undefined
  try {
    const stats = await lstat(endpoint.path, { bigint: true })
    return {
      kind: fileKind(stats),
      mode: (Number(stats.mode) & 0o7777).toString(8).padStart(4, '0'),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      identity: `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`,
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
