import { lstat } from 'node:fs/promises'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { checkDescriptor, inheritedDescriptors } from '@uds-sidecar/shared/listen/inherited-descriptors'
import { DEFAULT_MODE } from '@uds-sidecar/shared/listen/listen-options'
import type { Config } from '../config/config.ts'
import type { PortSource, SocketRights } from '../relay/port.ts'

/** The name of the descriptor for the operations port, unless a route has that name. */
export const OPS = 'ops'

/** Who listens: a route, or the operations port, which has no rights of its own. */
export interface Listening extends SocketRights {
  readonly name: string
  readonly listen: Endpoint
}

/**
 * The listening sockets that systemd, or another program that follows sd_listen_fds(3), passed to this process. Each
 * belongs to the route of its name (`FileDescriptorName=` in the socket unit), or to the operations port.
 */
export class InheritedSockets {
  readonly #descriptors: Map<string, number>

  constructor(descriptors: ReadonlyMap<string, number> = new Map()) {
    this.#descriptors = new Map(descriptors)
  }

  /** @throws Failure `bad_config` when the LISTEN_ variables are not valid, or name a route that does not exist. */
  static from(env: NodeJS.ProcessEnv, { ops, routes }: Config): InheritedSockets {
    const descriptors = inheritedDescriptors(env)
    const known = [...routes.map(({ name }) => name), ...(ops === null ? [] : [OPS])]
    const unknown = [...descriptors.keys()].filter((name) => !known.includes(name))
    if (unknown.length === 0) return new InheritedSockets(descriptors)
    throw new Failure('bad_config', {
      message: `LISTEN_FDNAMES has ${unknown.map((name) => JSON.stringify(name)).join(', ')}, and no route has that name`,
      hint: `set FileDescriptorName= of the socket unit to a route: ${known.join(', ')}`,
    })
  }

  /**
   * How the port of a route begins to listen. Takes the descriptor that was passed for it, once: a route that a reload
   * removes closes its descriptor. The socket file is then systemd's, and the settings of the route for it do not apply.
   * @throws Failure `bad_option` when the descriptor is not the socket of that endpoint, `bad_config` when it is not
   * open, or its file is open to more users than `mode` of the route.
   */
  async takeFor(listening: Listening, log: Logger): Promise<PortSource> {
    const { name, listen, mode, group, onConflict } = listening
    const fd = this.#descriptors.get(name)
    if (fd === undefined) return listen.kind === 'unix' ? { mode, group, onConflict } : {}
    await refuseOther(name, fd, listen)
    await checkInherited(listening, log)
    this.#descriptors.delete(name)
    return { fd }
  }
}

/**
 * Checks the rights of a route whose socket file belongs to systemd.
 * @throws Failure `bad_config` when the file is open to more users than `mode` of the route.
 */
export async function checkInherited(listening: Listening, log: Logger): Promise<void> {
  const { name, listen, mode, group, onConflict } = listening
  if (listen.kind === 'unix') await refuseMoreOpen(name, listen.path, mode ?? DEFAULT_MODE)
  if (mode !== undefined || group !== undefined || onConflict !== undefined)
    log.info('mode, group and onConflict are not applied: the socket was passed by systemd')
}

/** Before its mode: the file of another endpoint may have any. */
async function refuseOther(name: string, fd: number, listen: Endpoint): Promise<void> {
  try {
    await checkDescriptor(fd, listen)
  } catch (cause) {
    if (cause instanceof Failure)
      throw new Failure(cause.code, { message: `${name}: ${cause.message}`, hint: cause.hint, cause })
    if (errnoOf(cause) === undefined) throw cause
    throw new Failure('bad_config', {
      message: `${name}: LISTEN_FDS says that descriptor ${fd} was passed, and it cannot be used`,
      hint: 'start the sidecar from a systemd socket unit, or unset LISTEN_PID and LISTEN_FDS',
      cause,
    })
  }
}

/** systemd's own default for SocketMode= is 0666: everybody. */
async function refuseMoreOpen(name: string, path: string, mode: number): Promise<void> {
  const actual = await modeOf(path)
  if ((actual & ~mode) === 0) return
  throw new Failure('bad_config', {
    message: `the socket that was passed for route ${name}, ${formatEndpoint({ kind: 'unix', path })}, has mode ${formatMode(actual)}, and the route allows ${formatMode(mode)}`,
    hint: `set SocketMode=${formatMode(mode)} in the socket unit, or mode: "${formatMode(actual)}" in the route`,
  })
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).mode & 0o777
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause
    throw new Failure('bad_config', {
      message: `the mode of the inherited socket ${path} cannot be read`,
      hint: 'the directory of the socket must be accessible to the sidecar: it checks who may connect',
      cause,
    })
  }
}
