import { spawn } from 'node:child_process'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Background, Load } from '../../support/background.ts'
import { docker, type Printed, tryDocker } from '../../support/docker.ts'
import { runLabel } from '../../support/made-by-run.ts'

/** `make systemd` builds it. */
const IMAGE = `uds-sidecar/systemd:${process.env.UDS_SIDECAR_VERSION || 'dev'}`
const TOOLS = '/opt/test'

export const SIDECAR = 'uds-sidecar.service'
export const APP = 'uds-app.service'
export const CONFIG = '/etc/uds/sidecar.yaml'
/** Two routes to the API of the app. */
export const TCP = 'tcp://127.0.0.1:8080'
export const UNIX = 'unix:/run/uds/local/api.sock'
const SOCKET_FILES = ['/run/uds/local/api.sock', '/run/uds/api/api.sock', '/run/uds/metrics/metrics.sock']

/** A container in which systemd is process 1, with the units of deploy/systemd. Disposing removes it. */
export class Machine implements AsyncDisposable {
  readonly #id: string

  private constructor(id: string) {
    this.#id = id
  }

  /** Waits until systemd has started everything. */
  static async start(): Promise<Machine> {
    const tmpfs = ['--tmpfs', '/run', '--tmpfs', '/tmp']
    const id = await docker(
      'run',
      '--detach',
      '--label',
      runLabel(),
      '--privileged',
      '--cgroupns=private',
      '--network=none',
      ...tmpfs,
      IMAGE,
    )
    const machine = new Machine(id)
    try {
      await docker('cp', `${import.meta.dirname}/../../support/.`, `${id}:${TOOLS}`)
      await eventually('systemd to have started', async () => {
        const { output } = await machine.try('systemctl', 'is-system-running')
        if (/degraded/.test(output)) throw new Error(await machine.run('systemctl', '--failed', '--no-pager'))
        return output === 'running'
      })
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** @returns what a program printed @throws Error when its exit code is not 0 */
  async run(...command: string[]): Promise<string> {
    return docker('exec', this.#id, ...command)
  }

  async try(...command: string[]): Promise<Printed> {
    return tryDocker('exec', this.#id, ...command)
  }

  /** Starts a program that goes on until its stdin ends. */
  background(...command: string[]): Background {
    return new Background(
      spawn('docker', ['exec', '-i', this.#id, ...command], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
  }

  /** Sends GET /status to each endpoint, each request on its own connection, without a pause. */
  load(workers: number, ...endpoints: string[]): Load {
    return new Load(
      this.background('node', `${TOOLS}/load-main.ts`, String(workers), 'GET /status', ...endpoints),
    )
  }

  /** One property of a unit, such as `ActiveState`. */
  async property(unit: string, name: string): Promise<string> {
    return this.run('systemctl', 'show', '--value', `--property=${name}`, unit)
  }

  async properties(unit: string, ...names: string[]): Promise<string[]> {
    return Promise.all(names.map((name) => this.property(unit, name)))
  }

  /** Whether a unit is in these states, such as `active` and `running`. */
  async isIn(unit: string, active: string, sub: string): Promise<boolean> {
    const [isActive, isSub] = await this.properties(unit, 'ActiveState', 'SubState')
    return isActive === active && isSub === sub
  }

  /** Inode, mode, owner and group of each socket file. */
  async socketFiles(): Promise<string> {
    return this.run('stat', '--format=%n %i %a %U:%G', ...SOCKET_FILES)
  }

  /** @returns status and body of one GET, on a new connection */
  async get(path: string, endpoint = TCP): Promise<string> {
    const options = JSON.stringify({ ...whereIs(endpoint), path, agent: false })
    const print = 'async (r) => console.log(r.statusCode, (await r.toArray()).join(""))'
    return this.run('node', '--eval', `require('http').get(${options}, ${print})`)
  }

  /** Replaces a file, or makes it, with its directory. */
  async write(path: string, content: string): Promise<void> {
    const writing = this.background('sh', '-c', `mkdir -p "$(dirname ${path})" && cat >${path}`)
    await writing.end(content)
  }

  /** Adds settings to a unit. */
  async dropIn(unit: string, name: string, content: string): Promise<void> {
    await this.write(`/etc/systemd/system/${unit}.d/${name}.conf`, content)
    await this.run('systemctl', 'daemon-reload')
  }

  /** What a unit has logged. */
  async journal(unit: string): Promise<string> {
    return this.run('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker('rm', '--force', '--volumes', this.#id)
  }
}

/** An endpoint as options of node:http. */
function whereIs(endpoint: string): object {
  if (endpoint.startsWith('unix:')) return { socketPath: endpoint.slice('unix:'.length) }
  const { hostname, port } = new URL(endpoint)
  return { host: hostname, port }
}
