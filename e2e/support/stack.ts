import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type TlsDialOptions, tlsContext } from '@uds-sidecar/shared/dial/dial-tls'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'
import { type RequestOptions, type Response, request } from '@uds-sidecar/shared/http/request'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { type ComposeOptions, ComposeProject } from './compose-project.ts'
import { ContainerHandle } from './container.ts'
import { diagnoseProject, reportOnFailure, Witness } from './diagnosis.ts'
import { engine, image } from './engine.ts'
import { runToEnd } from './own-container.ts'
import { newProject, projectPrefix, REPOSITORY } from './run.ts'

/** What compose.yaml publishes, by the name of its variable. */
const PORTS = {
  metrics: { service: 'sidecar', number: 9464 },
  api: { service: 'sidecar', number: 8080 },
  apiTls: { service: 'sidecar', number: 8443 },
  echo: { service: 'sidecar', number: 7070 },
  ops: { service: 'sidecar', number: 9901 },
  prometheus: { service: 'prometheus', number: 9090 },
} as const

type PortName = keyof typeof PORTS

/** The ports of compose.yaml that speak TLS. */
const TLS_PORTS: ReadonlySet<PortName> = new Set(['metrics', 'apiTls'])

/** Who has certificates of compose.yaml: the name of its volume, without `-certificates`. */
type Consumer = 'sidecar' | 'client' | 'prometheus'

/** What a consumer has, as PEM and text; empty where it has none. */
interface Papers {
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly token: string
}

/** What a test reads of a route in `/routes` on the operations port. */
interface Route {
  readonly name: string
  readonly upstream: string | null
  readonly state: 'up' | 'down' | 'unknown'
  readonly generation: number
  readonly connections: number
  readonly socket: { kind: string; mode: string; uid: number; gid: number } | null
  readonly lastError: { code: string; errno: string | null; detail: string; hint: string } | null
}

/** Longer than any deadline of the sidecar: the sidecar decides how a request ends, also on a busy machine. */
const REQUEST_TIMEOUT_MS = 60_000

/** A stack of compose.yaml that is up: its containers, volumes and published ports. */
export class Stack {
  readonly compose: ComposeProject

  constructor(compose: ComposeProject) {
    this.compose = compose
  }

  service(name: string, index = 1): ContainerHandle {
    return new ContainerHandle(`${this.compose.name}-${name}-${index}`)
  }

  /** The full name of a volume. */
  volume(name: string): string {
    return `${this.compose.name}_${name}`
  }

  /** Where a port is published now: a container that is started again gets another one. */
  async endpoint(port: PortName): Promise<Endpoint> {
    const { service, number } = PORTS[port]
    const { NetworkSettings } = await this.service(service).inspect()
    const published = NetworkSettings.Ports[`${number}/tcp`]?.[0]
    if (published === undefined) throw new Error(`${service} does not publish port ${number}`)
    return { kind: 'tcp', host: published.HostIp, port: Number(published.HostPort) }
  }

  /** On a port with TLS the request has the token of Prometheus, unless `options` has an `authorization`. */
  async request(port: PortName, path: string, options: RequestOptions = {}): Promise<Response> {
    const endpoint = await this.endpoint(port)
    const identity = this.#hasTls(port) ? await this.#withToken(options) : options
    return request(endpoint, { path, timeoutMs: REQUEST_TIMEOUT_MS, ...identity })
  }

  async #withToken(options: RequestOptions): Promise<RequestOptions> {
    const { token } = await this.papersOf('prometheus')
    const headers = { authorization: `Bearer ${token}`, ...options.headers }
    return { tls: await this.trust(), ...options, headers }
  }

  /** TLS that trusts the stack's authority. @param presents the consumer whose certificate is presented; default: none */
  async trust(presents?: Consumer): Promise<TlsDialOptions> {
    const { ca } = await this.papersOf('client')
    const pair = presents === undefined ? {} : await this.papersOf(presents)
    const context = tlsContext({ ...pair, ca })
    return { context, serverName: 'localhost' }
  }

  /** What the service `certificates` has made for a consumer. */
  async papersOf(consumer: Consumer): Promise<Papers> {
    const read = (name: string) => this.service('certificates').read(`/certificates/${consumer}/${name}`)
    const [certificate, key, ca, token] = await Promise.all([
      read('tls.crt'),
      read('tls.key'),
      consumer === 'sidecar' ? '' : read('ca.crt'),
      consumer === 'prometheus' ? read('token') : '',
    ])
    return { certificate, key, ca, token: token.trim() }
  }

  /** The example has no certificates, nor have configurations that tests lay over it. */
  #hasTls(port: PortName): boolean {
    const { files } = this.compose
    const isPlain = files[0] !== 'compose.yaml' || files.some((file) => file.includes('impatient'))
    return TLS_PORTS.has(port) && !isPlain
  }

  /** Every route to a socket of the app by its name; the sidecar probes each upstream at this request. */
  async routes(): Promise<Record<string, Route>> {
    const { body } = await this.request('ops', '/routes')
    const { routes }: { routes: Route[] } = JSON.parse(body.toString())
    const toSockets = routes.filter(({ upstream }) => upstream?.startsWith('unix:'))
    return Object.fromEntries(toSockets.map((route) => [route.name, route]))
  }
}

/** Status and problem code of a response, such as `503 socket_stale`; the code is missing where there is no problem. */
export function statusAndCode({ status, headers, body }: Response): string {
  if (headers['content-type']?.split(';')[0] !== 'application/problem+json') return String(status)
  return `${status} ${JSON.parse(body.toString()).code}`
}

export interface StackOptions extends ComposeOptions {
  /** Only these and those that they depend on. Default: all. */
  readonly services?: readonly string[]
}

/**
 * A stack that belongs to one test, which may break it: removed when the test is over.
 * @param t the test that it is for: when that fails, logs, states and what `client doctor` says are printed
 */
export async function ownStack(t: TestContext, options: StackOptions = {}): Promise<Stack> {
  const compose = new ComposeProject(newProject(t), options)
  await bringUp(compose, options.services)
  reportOnFailure(
    t,
    () => examineProject(compose.name),
    () => compose.down(),
  )
  return new Stack(compose)
}

/**
 * The whole stack, with Prometheus, for tests that change nothing about it: one for the run, which the first test that
 * asks for it starts and the run's sweep removes.
 * @param t as for `ownStack`
 */
export async function sharedStack(t: TestContext): Promise<Stack> {
  const name = `${projectPrefix()}shared`
  const compose = new ComposeProject(name, { profiles: ['observability'] })
  await onceInRun(name, () => bringUp(compose))
  reportOnFailure(t, () => examineProject(name))
  return new Stack(compose)
}

/** For each container; Testcontainers itself gives it a minute, which a busy machine may need. */
const START_TIMEOUT_MS = 300_000

async function bringUp(compose: ComposeProject, services?: readonly string[]): Promise<void> {
  // Loaded here: it takes a third of a second, and most test files start no stack.
  const { DockerComposeEnvironment, PullPolicy } = await import('testcontainers')
  const environment = new DockerComposeEnvironment(REPOSITORY, compose.files)
    .withProjectName(compose.name)
    .withProfiles(...compose.profiles)
    .withEnvironment(compose.env)
    .withPullPolicy(PullPolicy.neverPull())
    .withStartupTimeout(START_TIMEOUT_MS)
    .withClientOptions({ commandOptions: ['--no-build'] })
  using witness = await Witness.of(compose.name)
  await environment.up(services && [...services]).catch(async (cause) => {
    throw new Error(`the stack did not start\n${await witness.report()}`, { cause })
  })
}

const DONE = 'done'

/** The process of this run that comes first does the work; the others wait until it is done. */
async function onceInRun(name: string, work: () => Promise<void>): Promise<void> {
  const directory = join(tmpdir(), name)
  const outcome = join(directory, 'outcome')
  if (await isFirst(directory)) {
    const text = await work().then(() => DONE, String)
    await writeFile(`${outcome}.new`, text)
    await rename(`${outcome}.new`, outcome)
  }
  const text = await eventuallyPasses(() => readFile(outcome, 'utf8'), { withinMs: START_TIMEOUT_MS })
  if (text !== DONE) throw new Error(text)
}

async function isFirst(directory: string): Promise<boolean> {
  try {
    await mkdir(directory)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The socket volumes of compose.yaml: where they are mounted, and the socket to begin with. */
const VOLUMES = [
  { volume: 'metrics-socket', path: '/run/app/metrics', socket: 'metrics.sock' },
  { volume: 'api-socket', path: '/run/app/api', socket: 'api.sock' },
]

async function examineProject(name: string): Promise<string> {
  return (await Promise.all([diagnoseProject(name), doctorOn(name)])).join('\n')
}

/** What `client doctor` says of the sockets of a project, run by a user that is in their groups. */
async function doctorOn(project: string): Promise<string> {
  const { Volumes } = await engine.listVolumes()
  const names = new Set((Volumes ?? []).map(({ Name }) => Name))
  const found = VOLUMES.filter(({ volume }) => names.has(`${project}_${volume}`))
  const { stdout, stderr } = await runToEnd({
    image: image('client'),
    groups: [10_100, 10_200],
    mounts: found.map(({ volume, path }) => `${project}_${volume}:${path}:ro`),
    command: ['doctor', ...found.map(({ path, socket }) => `unix:${path}/${socket}`)],
  })
  return `--- doctor\n${stdout}${stderr}`
}
