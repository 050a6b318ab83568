import { access, constants, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type DialOptions, dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { type FileFacts, type FileReport, factsOf, inspectFile } from './file-facts.ts'
import { type KernelState, kernelState } from './kernel-sockets.ts'
import { type ProcessIdentity, processIdentity } from './permission.ts'

/** The outcome of one attempt to connect, and how long it took. */
export type ConnectionReport =
  | { readonly connected: true; readonly ms: number }
  | { readonly connected: false; readonly ms: number; readonly failure: Failure }

/** Connects and closes the connection without sending a byte. Rejects only when `options.signal` aborts. */
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

/** One directory above a socket. */
export interface DirectoryReport {
  readonly path: string
  /** Links followed, as the kernel does; null when it cannot be read. */
  readonly facts: FileFacts | null
  /** Whether this process may search it: access(2), so access control lists count too. */
  readonly traversable: boolean
  /** `ENOENT`, `ENOTDIR`, `EACCES` or `ELOOP`; null when it is traversable. */
  readonly errno: string | null
  /** The target, if it is a symbolic link that is not traversable. */
  readonly link?: string
}

/** Reports each directory from `/` to that of `path`, as the kernel resolves it, up to the first not traversable. */
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

/** Everything that this process can find out about an endpoint without sending it a byte. */
export interface Inspection {
  readonly endpoint: Endpoint
  /** Bytes of the path, or of the abstract name with its leading zero; null for TCP. At most `MAX_PATH_BYTES`. */
  readonly addressBytes: number | null
  /** This process: permissions depend on who asks. */
  readonly who: ProcessIdentity
  /** From `/` to the first that is not traversable; empty for an endpoint without a path. */
  readonly directories: readonly DirectoryReport[]
  /** Null without a path, or when a directory above it is not traversable. */
  readonly file: FileReport | null
  readonly kernel: KernelState
  readonly connection: ConnectionReport
}

/**
 * Reads what stands at an endpoint, step by step as the kernel does, then connects and closes the connection. To read
 * the file without a connection use `inspectFile`.
 * @param options limits of the connection, as for `dial`
 * @throws only the reason of `options.signal` when that aborts: failures are part of the result
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
