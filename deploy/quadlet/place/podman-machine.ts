import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Background, Load } from '../../support/background.ts'
import { docker, type Printed, tryDocker } from '../../support/docker.ts'
import { imagesFile, ROOT, VERSION } from '../../support/machine.ts'
import { runLabel } from '../../support/made-by-run.ts'

/** `scripts/build-places.sh` builds it. */
const MACHINE = `uds-sidecar/quadlet:${VERSION}`
const PROGRAMS = ['app', 'sidecar', 'redis']
const SOURCE = '/repository'
const CERTIFICATES = '/run/demonstration'
const CERTIFICATES_UNIT = 'demonstration-certificates.service'

/** A container in which systemd is process 1 and runs podman, on no network. Disposing removes it. */
export class PodmanMachine implements AsyncDisposable {
  readonly #id: string

  private constructor(id: string) {
    this.#id = id
  }

  /** With the images, as README.md wants them, and nothing installed yet. */
  static async start(): Promise<PodmanMachine> {
    const mounts = ['config', 'deploy'].flatMap((path) => [
      '--volume',
      `${join(ROOT, path)}:${SOURCE}/${path}:ro`,
    ])
    const id = await docker(
      ...['run', '--detach', '--label', runLabel(), '--privileged', '--cgroupns=private'],
      ...[
        '--network=none',
        '--tmpfs=/run',
        '--tmpfs=/tmp',
        ...mounts,
        `--volume=${imagesFile}:/images.tar:ro`,
        MACHINE,
      ],
    )
    const machine = new PodmanMachine(id)
    try {
      await machine.#prepare()
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    await this.#isUp()
    await this.run('podman', 'load', '--quiet', '--input', '/images.tar')
    for (const name of PROGRAMS)
      await this.run('podman', 'tag', `uds-sidecar/${name}:${VERSION}`, `localhost/uds-sidecar/${name}:dev`)
  }

  async #isUp(): Promise<void> {
    await eventually('systemd to have started', async () => {
      const { output } = await this.try('systemctl', 'is-system-running')
      if (/degraded/.test(output)) throw new Error(await this.run('systemctl', '--failed', '--no-pager'))
      return output === 'running'
    })
  }

  /** Stops systemd and starts it again, with an empty /run. */
  async reboot(): Promise<void> {
    await docker('restart', '--time=60', this.#id)
    await this.#isUp()
  }

  /** Runs the commands of README.md, and makes certificates where it asks for them. */
  async install(): Promise<void> {
    const [files, start, ...more] = commandsOfReadme()
    if (files === undefined || start === undefined || more.length > 0)
      throw new Error('README.md has two blocks of commands: before the certificates, and after')
    await this.#shell(files)
    await this.#makeCertificates()
    await this.#shell(start)
  }

  async #makeCertificates(): Promise<void> {
    const [work, out] = [`${CERTIFICATES}/work`, `${CERTIFICATES}/out`]
    const consumers = ['client', 'partner', 'prometheus'].map((name) => `${out}/${name}`)
    await this.run('mkdir', '-p', work, ...consumers)
    await this.run('ln', '-s', '/etc/uds/certificates', `${out}/sidecar`)
    const env = [`--setenv=CERTIFICATES_WORK=${work}`, `--setenv=CERTIFICATES_OUT=${out}`]
    const unit = ['systemd-run', '--quiet', `--unit=${CERTIFICATES_UNIT}`, ...env]
    await this.run(...unit, 'sh', `${SOURCE}/config/certificates.sh`)
    await eventually('the certificates', async () => {
      const { code } = await this.try('test', '-e', `${out}/prometheus/tls.crt`) // the last one
      return code === 0
    })
  }

  /** Replaces all certificates, their authorities and the token. */
  async rotate(): Promise<void> {
    const old = await this.token()
    await this.run('systemctl', 'restart', CERTIFICATES_UNIT)
    await eventually('the new token', async () => (await this.token()) !== old)
  }

  /** @returns what a program printed @throws Error when its exit code is not 0 */
  async run(...command: string[]): Promise<string> {
    return docker('exec', this.#id, ...command)
  }

  async try(...command: string[]): Promise<Printed> {
    return tryDocker('exec', this.#id, ...command)
  }

  async #shell(commands: string): Promise<void> {
    await docker('exec', '--workdir', SOURCE, this.#id, 'sh', '-euc', commands)
  }

  /** Sends one request again and again from the machine, each on its own connection, without a pause. */
  load(workers: number, what: string, ...endpoints: string[]): Load {
    return new Load(
      this.#background('node', `${SOURCE}/deploy/support/load-main.ts`, `${workers}`, what, ...endpoints),
    )
  }

  #background(...command: string[]): Background {
    return new Background(
      spawn('docker', ['exec', '-i', this.#id, ...command], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
  }

  /** Writes a file, with its directory. systemd and podman then read their units again. */
  async writeUnit(path: string, content: string): Promise<void> {
    await this.#background('sh', '-c', `mkdir -p "$(dirname ${path})" && cat >${path}`).end(content)
    await this.run('systemctl', 'daemon-reload')
  }

  /** One property of a unit, such as `ActiveState`. */
  async property(unit: string, name: string): Promise<string> {
    return this.run('systemctl', 'show', '--value', `--property=${name}`, unit)
  }

  /** The process of a container, as the machine numbers it. */
  async pidOf(container: string): Promise<string> {
    return this.run('podman', 'inspect', '--format={{.State.Pid}}', container)
  }

  /** @returns status and body of one GET */
  async get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const program = `const r = await fetch(process.argv[1], { headers: JSON.parse(process.argv[2]) })
console.log(r.status, await r.text())`
    const env = `NODE_EXTRA_CA_CERTS=${CERTIFICATES}/out/prometheus/ca.crt`
    const node = ['node', '--input-type=module', '--eval', program]
    return this.run('env', env, ...node, url, JSON.stringify(headers))
  }

  /** The token of Prometheus. */
  async token(): Promise<string> {
    return this.run('cat', `${CERTIFICATES}/out/prometheus/token`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker('rm', '--force', '--volumes', this.#id)
  }
}

/** The blocks that are there to be run. */
function commandsOfReadme(): string[] {
  const text = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands)
}
