import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { newStagingDirectory } from '../bind/staging.ts'
import type { AbstractEndpoint, UnixEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf } from '../failure/failure.ts'

/**
 * What `/proc/net/unix` shows of an endpoint (proc_net(5)). `listening`: a socket of that name listens. `bound`: a socket
 * has that name and does not listen. `unseen`: no socket has it in this network namespace; this is no proof, because a
 * renamed socket keeps the name that it was bound to. `unknown`: there is no such table.
 */
export type KernelState = 'listening' | 'bound' | 'unseen' | 'unknown'

/** The flag __SO_ACCEPTCON: listen(2) was called. */
const ACCEPTS_CONNECTIONS = 0x10000
const LINE = /^\S+: \S+ \S+ (?<flags>[0-9A-F]{8}) \S+ \S+ +\d+ (?<name>.+)$/

/** Looks up an endpoint in the kernel's table. Rejects only for a defect. */
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

/** The table is read as latin1, one character per byte; so the name is compared in that form. */
function isNamed(name: string): (candidate: string) => boolean {
  const bytes = Buffer.from(name).toString('latin1')
  return (candidate) => candidate === bytes
}

/** The bind protocol binds a socket in a staging directory beside its path and renames it: the table has the staging path. */
function isBoundFor(path: string): (candidate: string) => boolean {
  const isPath = isNamed(path)
  const staging = Buffer.from(newStagingDirectory(path)).toString('latin1')
  const prefix = staging.slice(0, -STAGING_RANDOM_LETTERS)
  return (name) =>
    isPath(name) || (dirname(name).startsWith(prefix) && dirname(name).length === staging.length)
}

/** Random letters at the end of a staging directory's name; see `newStagingDirectory`. */
const STAGING_RANDOM_LETTERS = 4

function unlessUnavailable(error: unknown): undefined {
  if (errnoOf(error) === undefined) throw error
}
