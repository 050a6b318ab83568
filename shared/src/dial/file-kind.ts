import type { BigIntStats, Stats } from 'node:fs'

export type FileKind = 'socket' | 'regular file' | 'directory' | 'fifo' | 'symlink' | 'device'

/** What stands at a path, in the words that messages use. */
export function fileKind(stats: Stats | BigIntStats): FileKind {
  if (stats.isSocket()) return 'socket'
  if (stats.isFile()) return 'regular file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isSymbolicLink()) return 'symlink'
  return 'device'
}
