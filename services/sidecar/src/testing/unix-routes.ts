import { writeFile } from 'node:fs/promises'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { giveTo } from '@uds-sidecar/shared/testing/users'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { OK } from './http-stack.ts'
import { type OnReceived, play, type RawServer, rawServer, responding } from './raw-server.ts'
import { type SidecarProcess, type SidecarProcessOptions, sidecarProcess } from './sidecar-process.ts'

/** A directory with an upstream, for sidecar processes that listen on Unix sockets in it. */
export interface UnixStack extends AsyncDisposable {
  readonly directory: TempDirectory
  readonly upstream: RawServer
  /** A path in the directory. */
  at(name: string): string
  /** One HTTP route on the socket NAME.sock, as text for the configuration file. */
  route(name: string, settings?: string): string
  /** Writes a configuration file. @returns its path */
  write(file: string, text: string): Promise<string>
  /** Starts a sidecar with this configuration. */
  start(
    text: string,
    options?: SidecarProcessOptions & { readonly env?: NodeJS.ProcessEnv },
  ): Promise<Running>
}

/** A sidecar process with a configuration file of its own. */
export interface Running extends SidecarProcess {
  /** Changes the file, sends SIGHUP, and resolves once the reload has ended. @returns whether it was accepted */
  reload(text: string): Promise<boolean>
}

/**
 * @param behaviour of the upstream; by default it responds `ok` to everything
 * @param owner of the directory and of the upstream's socket
 */
export async function unixStack(
  behaviour: OnReceived = responding(OK),
  owner: { uid?: number; gid?: number } = {},
): Promise<UnixStack> {
  const directory = await tempDirectory()
  await giveTo(owner, directory.path)
  const at = (name: string) => directory.at(name)
  const upstream = await rawServer(at('u'), (socket) => play(socket, behaviour))
  await giveTo(owner, at('u'))
  const write = async (file: string, text: string) => {
    await writeFile(at(file), text)
    return at(file)
  }
  let count = 0
  return {
    directory,
    upstream,
    at,
    write,
    route: (name, settings = '') =>
      `{name: ${name}, kind: http, listen: "unix:${at(name)}.sock", upstream: "unix:${at('u')}", allow: [GET|POST /a], ${settings}}`,
    async start(text, { env = {}, ...options } = {}) {
      count += 1
      const file = `${count}.yaml`
      const sidecar = sidecarProcess({ SIDECAR_CONFIG: await write(file, text), ...env }, options)
      return { ...sidecar, reload: (changed) => reload(sidecar, () => write(file, changed)) }
    },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

const ACCEPTED = 'the new configuration is active'
const REFUSED = 'is refused, the old one stays active'

async function reload({ child, log }: SidecarProcess, change: () => Promise<unknown>): Promise<boolean> {
  const count = (text: string) => log().split(text).length - 1
  const [accepted, refused] = [count(ACCEPTED), count(REFUSED)]
  await change()
  child.kill('SIGHUP')
  await eventually('the reload to end', () => count(ACCEPTED) + count(REFUSED) > accepted + refused)
  return count(REFUSED) === refused
}
