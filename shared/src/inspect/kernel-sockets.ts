import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { newStagingDirectory } from '../bind/staging.ts'
import type { AbstractEndpoint, UnixEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf } from '../failure/failure.ts'

/**
 * What `/proc/net/unix` says of an endpoint (proc_net(5)): somebody listens; a socket has that name and does not
 * listen; none is seen. Unseen proves nothing: the table holds one network namespace, and names as they were bound.
 * `unknown` where there is no such table.
 */
export type KernelState = 'listening' | 'bound' | 'unseen' | 'unknown'

/** __SO_ACCEPTCON: listen(2) was called. */
const ACCEPTS_CONNECTIONS = 0x10000
const LINE = /^\S+: \S+ \S+ (?<flags>[0-9A-F]{8}) \S+ \S+ +\d+ (?<name>.+)$/

export async function kernelState(endpoint: UnixEndpoint | AbstractEndpoint): Promise<KernelState> {
  const table = await readFile('/proc/net/unix', 'latin1').catch(unlessUnavailable)
  if (table === undefined) return 'unknown'
  const isIt = endpoint.kind === 'abstract' ? isNamed(`@${endpoint.name}`) : isBoundFor(endpoint.path)
  const flags = table.split('\n').flatMap((line) => {
    const { flags, name } = LINE.exec(line)?.groups ?? {}
    return flags !== undefined && name !== undefined && isIt(name) ? [Number.parseInt(flags, 16)] : []
  })
  if (flags.some((value) => (value & ACCEPTS_CONNECTIONS) !== 0)) return 'listening'
  return flags.length > 0 ? 'bound' : 'unseen'
}

/** The table is bytes: read as latin1, a name of ours is compared in the same form. */
function isNamed(name: string): (candidate: string) => boolean {
  const bytes = Buffer.from(name).toString('latin1')
  return (candidate) => candidate === bytes
}

/** A socket that was published by renaming keeps the name that it was bound to: in a staging directory beside its path. */
function isBoundFor(path: string): (candidate: string) => boolean {
  const isPath = isNamed(path)
  const staging = Buffer.from(newStagingDirectory(path)).toString('latin1')
  const prefix = staging.slice(0, -STAGING_RANDOM_LETTERS)
  return (name) =>
    isPath(name) || (dirname(name).startsWith(prefix) && dirname(name).length === staging.length)
}

/** At the end of a staging directory's name; see `newStagingDirectory`. */
const STAGING_RANDOM_LETTERS = 4

function unlessUnavailable(error: unknown): undefined {
  if (errnoOf(error) === undefined) throw error
}
