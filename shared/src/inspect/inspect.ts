import { access, constants, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type DialOptions, dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { type FileFacts, type FileReport, factsOf, inspectFile } from './file-facts.ts'
import { type KernelState, kernelState } from './kernel-sockets.ts'
import { type ProcessIdentity, processIdentity } from './permission.ts'

/** What one attempt to connect said. */
export type ConnectionReport =
  | { readonly connected: true; readonly ms: number }
  | { readonly connected: false; readonly ms: number; readonly failure: Failure }

/** Connects and hangs up without a word. Rejects only when `options.signal` aborts. */
export async function inspectConnection(
  endpoint: Endpoint,
  options: DialOptions = {},
): Promise<ConnectionReport> {
  const start = performance.now()
  try {
    const socket = await dial(endpoint, options)
    socket.on('error', () => socket.destroy()).destroy()
    return { connected: true, ms: performance.now() - start }
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure
    return { connected: false, ms: performance.now() - start, failure }
  }
}

/** One directory on the way to a socket. */
export interface DirectoryReport {
  readonly path: string
  /** Links followed, as the kernel does; null when it cannot be looked at. */
  readonly facts: FileFacts | null
  /** Whether this process may go through: the kernel's own word, access control lists included. */
  readonly traversable: boolean
  /** `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`; null where the way goes on. */
  readonly errno: string | null
  /** Where it leads, if it is a symbolic link that stops the way. */
  readonly link?: string
}

/** Walks what the kernel walks, from `/` to the directory of `path`, and ends at the first that stops it. */
export async function inspectDirectories(path: string): Promise<DirectoryReport[]> {
  const reports: DirectoryReport[] = []
  for (const directory of ancestors(path)) {
    const report = await inspectDirectory(directory)
    reports.push(report)
    if (!report.traversable) break
  }
  return reports
}

function ancestors(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestors(parent), parent]
}

async function inspectDirectory(path: string): Promise<DirectoryReport> {
  let facts: FileFacts | null = null
  try {
    facts = factsOf(await stat(path, { bigint: true }))
    if (facts.kind !== 'directory') return { path, facts, traversable: false, errno: 'ENOTDIR' }
    await access(path, constants.X_OK)
    return { path, facts, traversable: true, errno: null }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    return { path, facts, traversable: false, errno, ...(await linkAt(path)) }
  }
}

async function linkAt(path: string): Promise<{ link?: string }> {
  try {
    return { link: await readlink(path) }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return {}
  }
}

/** Everything that can be found out about an endpoint from here, without sending it a byte. */
export interface Inspection {
  readonly endpoint: Endpoint
  /** Bytes of the path, or of the abstract name with its leading zero; null for TCP. At most `MAX_PATH_BYTES`. */
  readonly addressBytes: number | null
  /** Who asked, for the permissions are about this process. */
  readonly who: ProcessIdentity
  /** From `/` on, to the first that stops the way; empty where there is no path. */
  readonly directories: readonly DirectoryReport[]
  /** Null where there is no path, or the way to it is stopped. */
  readonly file: FileReport | null
  readonly kernel: KernelState
  readonly connection: ConnectionReport
}

/**
 * Looks at an endpoint the way the kernel does, then connects and hangs up.
 * Rejects only when `options.signal` aborts. For the file alone, without a connection, `inspectFile` is enough.
 */
export async function inspect(endpoint: Endpoint, options: DialOptions = {}): Promise<Inspection> {
  const path = endpoint.kind === 'unix' ? endpoint.path : null
  const directories = path === null ? [] : await inspectDirectories(path)
  const reachable = path !== null && directories.every(({ traversable }) => traversable)
  return {
    endpoint,
    addressBytes: addressBytes(endpoint),
    who: processIdentity(),
    directories,
    file: reachable ? await inspectFile(path) : null,
    kernel: endpoint.kind === 'tcp' ? 'unknown' : await kernelState(endpoint),
    connection: await inspectConnection(endpoint, options),
  }
}

function addressBytes(endpoint: Endpoint): number | null {
  if (endpoint.kind === 'tcp') return null
  return Buffer.byteLength(endpoint.kind === 'unix' ? endpoint.path : `\0${endpoint.name}`)
}
