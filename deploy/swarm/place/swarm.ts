import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { Background, Load } from '../../support/background.ts'
import { docker, tryDocker } from '../../support/docker.ts'
import { imagesFile, ROOT, VERSION } from '../../support/machine.ts'
import { runLabel } from '../../support/made-by-run.ts'

/** `scripts/build-places.sh` builds it. */
const ENGINE = `uds-sidecar/engine:${VERSION}`
const SECRETS = '/secrets'
const CONSUMERS = ['sidecar', 'client', 'partner', 'prometheus']
/** Each look starts a process in a container. */
export const PATIENCE = { withinMs: 180_000, everyMs: 300 } as const

/** Three engines, each in a container of its own, that are one Swarm on a network without a way out. */
export class Swarm implements AsyncDisposable {
  readonly #prefix: string
  readonly nodes: readonly Node[]

  private constructor(prefix: string) {
    this.#prefix = prefix
    this.nodes = [1, 2, 3].map((number) => new Node(`${prefix}-${number}`))
  }

  /** Starts the engines, gives them the images, and joins them, each as a manager. */
  static async start(): Promise<Swarm> {
    const swarm = new Swarm(`uds-places-${randomBytes(4).toString('hex')}`)
    try {
      await swarm.#start()
      return swarm
    } catch (error) {
      await swarm[Symbol.asyncDispose]()
      throw error
    }
  }

  get manager(): Node {
    const [first] = this.nodes
    if (first === undefined) throw new Error('there is no node')
    return first
  }

  async #start(): Promise<void> {
    await docker('network', 'create', '--internal', '--label', runLabel(), this.#prefix)
    const seed = await this.#seed()
    for (const node of this.nodes) await node.start(this.#prefix, seed)
    await docker('volume', 'rm', seed)
    const { manager } = this
    await manager.docker('swarm', 'init', '--advertise-addr', await manager.address())
    const token = await manager.docker('swarm', 'join-token', '--quiet', 'manager')
    for (const node of this.nodes.slice(1))
      await node.docker('swarm', 'join', '--token', token, `${await manager.address()}:2377`)
  }

  /** Loads the images into one engine. To copy its data is quicker than to load them three times. @returns the volume */
  async #seed(): Promise<string> {
    const name = `${this.#prefix}-seed`
    await docker('volume', 'create', '--label', runLabel(), name)
    const seed = new Node(name)
    await seed.run(this.#prefix, name)
    await seed.docker('load', '--quiet', '--input', '/images.tar')
    await seed.stop()
    return name
  }

  /** Makes certificates and tokens once for all nodes, as deploy/swarm/README.md says. */
  async makeSecrets(): Promise<void> {
    const { manager } = this
    const directories = CONSUMERS.map((name) => `${SECRETS}/${name}`)
    await manager.exec('install', '-d', '-o', '10006', '-g', '10006', ...directories)
    const making = ['run', '--detach', '--name', 'certificates', '--network=none', '--user=10006:10006']
    await manager.docker(...making, '-v', `${SECRETS}:/certificates`, `uds-sidecar/certificates:${VERSION}`)
    await eventuallyPasses(() => manager.exec('test', '-e', `${SECRETS}/prometheus/tls.crt`), PATIENCE)
    await manager.docker('rm', '--force', 'certificates')
  }

  /** Deploys the stack, or updates it. @param rollout another value replaces the tasks of the app */
  async deploy(rollout: number): Promise<void> {
    const env = [`SECRETS=${SECRETS}`, `UDS_SIDECAR_VERSION=${VERSION}`, `ROLLOUT=${rollout}`]
    await this.manager.exec(
      'env',
      ...env,
      ...['docker', 'stack', 'deploy', '--resolve-image=never', '--detach=true'],
      ...['--compose-file', '/repository/deploy/swarm/stack.yaml', 'uds'],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names = [...this.nodes.map(({ name }) => name), `${this.#prefix}-seed`]
    await tryDocker('rm', '--force', ...names)
    await tryDocker('volume', 'rm', '--force', ...names)
    await tryDocker('network', 'rm', this.#prefix)
  }
}

/** An engine in a container. */
export class Node {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** Starts it with a copy of the data in the volume `seed`. */
  async start(network: string, seed: string): Promise<void> {
    await docker('volume', 'create', '--label', runLabel(), this.name)
    const copy = ['run', '--rm', '--network=none', '--label', runLabel(), '--entrypoint=sh']
    const volumes = ['-v', `${seed}:/from:ro`, '-v', `${this.name}:/to`]
    // An engine is known by the id in this file.
    await docker(...copy, ...volumes, ENGINE, '-c', 'cp -a /from/. /to/ && rm -f /to/engine-id')
    await this.run(network, this.name)
  }

  async run(network: string, volume: string): Promise<void> {
    const mounts = ['config', 'deploy'].flatMap((path) => ['-v', `${ROOT}/${path}:/repository/${path}:ro`])
    await docker(
      ...['run', '--detach', '--name', this.name, '--hostname', this.name, '--label', runLabel()],
      ...['--privileged', '--init', '--network', network, '--tmpfs=/run', '-v', `${volume}:/var/lib/docker`],
      ...[...mounts, '-v', `${imagesFile}:/images.tar:ro`],
      ENGINE,
    )
    await this.#isUp()
  }

  async #isUp(): Promise<void> {
    await eventuallyPasses(() => this.docker('info'), PATIENCE)
  }

  async stop(): Promise<void> {
    await docker('stop', '--time=10', this.name)
    await docker('rm', this.name)
  }

  /** As if the power went. */
  async kill(): Promise<void> {
    await docker('kill', this.name)
  }

  async startAgain(): Promise<void> {
    await docker('start', this.name)
    await this.#isUp()
  }

  /** Runs a program on the node. @returns what it printed @throws Error when its exit code is not 0 */
  exec(...command: string[]): Promise<string> {
    return docker('exec', this.name, ...command)
  }

  try(...command: string[]) {
    return tryDocker('exec', this.name, ...command)
  }

  /** The command line of Docker on the node. */
  docker(...args: string[]): Promise<string> {
    return this.exec('docker', ...args)
  }

  /** The container of a service on this node. */
  async taskOf(service: string): Promise<string> {
    const filter = `label=com.docker.swarm.service.name=uds_${service}`
    const ids = await this.docker('ps', '--quiet', '--filter', filter)
    const [id = ''] = ids.split('\n')
    if (id === '') throw new Error(`there is no task of ${service}`)
    return id
  }

  /** Its address on the network of the nodes. */
  async address(): Promise<string> {
    return docker('inspect', '--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', this.name)
  }

  /** @returns status and body of one GET to a port of a node, sent by this one */
  async get(url: string): Promise<{ readonly status: number; readonly body: string }> {
    const program = `const r = await fetch(process.argv[1]); console.log(JSON.stringify({ status: r.status, body: await r.text() }))`
    const { code, output } = await this.try('node', '--input-type=module', '--eval', program, url)
    return code === 0 ? JSON.parse(output) : { status: 0, body: output }
  }

  /** Sends one request again and again from this node, each on its own connection, without a pause. */
  load(workers: number, what: string, ...endpoints: string[]): Load {
    const command = ['node', '/repository/deploy/support/load-main.ts', `${workers}`, what, ...endpoints]
    const child = spawn('docker', ['exec', '-i', this.name, ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    return new Load(new Background(child))
  }
}
