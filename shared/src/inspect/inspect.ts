import type { DialOptions } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { type ConnectionReport, inspectConnection } from './inspect-connection.ts'
import { type DirectoryReport, inspectDirectories } from './inspect-directories.ts'
import { type FileReport, inspectFile } from './inspect-file.ts'
import { type KernelState, kernelState } from './kernel-sockets.ts'
import { type ProcessIdentity, processIdentity } from './process-identity.ts'

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
