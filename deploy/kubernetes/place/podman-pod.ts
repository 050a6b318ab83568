import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Outcome } from '../../support/docker.ts'
import { Machine, VERSION } from '../../support/machine.ts'
import { type Manifest, parseManifests } from '../check/manifests.ts'
import { type PodmanPod, type ProbeName, podForPodman } from '../check/pod-for-podman.ts'

const IMAGE = 'uds-sidecar/podman'
const POD = 'uds-sidecar'
export const TOKEN = 'a-token-of-the-test-with-more-than-32-characters'
const CERTIFICATES = '/var/lib/containers/storage/volumes/uds-sidecar-certificate/_data'

/** A machine that has podman and kubectl. Its storage is a volume, as overlayfs does not go on overlayfs. */
export function podmanMachine(): Promise<Machine> {
  return Machine.start(IMAGE, '--volume', '/var/lib/containers')
}

/** What `kubectl kustomize` makes of a folder of deploy/kubernetes. */
export async function kustomized(machine: Machine, folder: string): Promise<Manifest[]> {
  return parseManifests(await machine.run('kubectl', 'kustomize', `/deploy/kubernetes/${folder}`), folder)
}

/** A response that the machine got from a published port of the pod. */
export interface Reached {
  readonly status: number
  readonly body: string
  /** The serial number of the certificate, over TLS. */
  readonly serial?: string
}

/** Sends one GET within the machine and prints a {@link Reached}. */
const ASK = `
const [url, token, ca] = process.argv.slice(1)
const { get } = url.startsWith('https:') ? require('node:https') : require('node:http')
const headers = token ? { authorization: 'Bearer ' + token } : {}
get(url, { headers, agent: false, servername: 'uds-sidecar', ca: ca && fs.readFileSync(ca) }, async (response) => {
  const serial = response.socket.getPeerCertificate?.().serialNumber
  const body = (await response.toArray()).join('')
  console.log(JSON.stringify({ status: response.statusCode, body, serial }))
})`

/** The pod of a Deployment, run by podman with its probes asked by the test. */
export class Pod {
  readonly #machine: Machine
  readonly #pod: PodmanPod

  private constructor(machine: Machine, pod: PodmanPod) {
    this.#machine = machine
    this.#pod = pod
  }

  /** Makes the secrets of the overlay `production`, and runs the pod that is in these manifests. */
  static async play(machine: Machine, manifests: readonly Manifest[]): Promise<Pod> {
    await machine.run('podman', 'load', '--quiet', '--input', '/images.tar')
    await machine.write('/pki/issue.sh', ISSUE)
    await machine.run('sh', '/pki/issue.sh', '/pki/first')
    const read = (name: string) => machine.run('cat', `/pki/first/${name}`)
    const secrets = [
      secret('uds-sidecar-certificate', {
        'tls.crt': await read('tls.crt'),
        'tls.key': await read('tls.key'),
      }),
      secret('uds-sidecar-prometheus', { token: TOKEN }),
    ]
    const pod = podForPodman(manifests, VERSION)
    const documents = [...secrets, ...pod.objects].map((object) => JSON.stringify(object))
    const ports = [8080, 9464, 9901].flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`])
    await machine.write('/pod.yaml', documents.join('\n---\n'))
    await machine.run(
      'podman',
      'kube',
      'play',
      '--seccomp-profile-root',
      '/deploy/seccomp',
      ...ports,
      '/pod.yaml',
    )
    return new Pod(machine, pod)
  }

  /** The containers that are not init containers. */
  get containers(): string[] {
    return [...this.#pod.probes.keys()]
  }

  /** Asks as the kubelet would. @returns whether the probe succeeds; true where the container has no such probe */
  async probe(container: string, name: ProbeName): Promise<boolean> {
    const command = this.#pod.probes.get(container)?.[name]
    return command === undefined || (await this.exec(container, ...command)).code === 0
  }

  /** Waits until every probe of every container succeeds. */
  async ready(): Promise<void> {
    for (const container of this.containers)
      for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const)
        await eventually(`the ${name} of ${container} to succeed`, () => this.probe(container, name))
  }

  async exec(container: string, ...command: string[]): Promise<Outcome> {
    return this.#machine.try('podman', 'exec', `${POD}-${container}`, ...command)
  }

  /** What access.ts says in a container that has Node. */
  async access(container: string, ...paths: string[]): Promise<unknown> {
    const program = readFileSync(join(import.meta.dirname, 'access.ts'), 'utf8')
    const node = ['node', '--input-type=module-typescript', '-', ...paths]
    return JSON.parse(
      await this.#machine.pipe(program, 'podman', 'exec', '--interactive', `${POD}-${container}`, ...node),
    )
  }

  /** One GET to a published port; over TLS it trusts the authority of the test. */
  async get(url: string, token = ''): Promise<Reached> {
    return JSON.parse(await this.#machine.run('node', '--eval', ASK, url, token, '/pki/ca.crt'))
  }

  /** SIGTERM, as the kubelet sends it. @returns the exit code */
  async stop(container: string): Promise<number> {
    await this.#machine.run('podman', 'stop', '--time', '15', `${POD}-${container}`)
    return Number(await this.#inspect(container, '{{.State.ExitCode}}'))
  }

  async start(container: string): Promise<void> {
    await this.#machine.run('podman', 'start', `${POD}-${container}`)
  }

  /** Kills its process, which nobody asked podman for, and waits for the next one. */
  async crash(container: string): Promise<void> {
    const killed = await this.processOf(container)
    await this.#machine.run('sh', '-c', 'kill -KILL "$1"', 'sh', killed)
    const isAnother = async () => ![killed, '0'].includes(await this.processOf(container))
    await eventually(`${container} to be restarted`, isAnother)
  }

  /** The id of its process in the machine; 0 while none runs. */
  async processOf(container: string): Promise<string> {
    return this.#inspect(container, '{{.State.Pid}}')
  }

  /** Stops everything and starts it on the same volumes, init containers first. */
  async restart(): Promise<void> {
    await this.#machine.run('podman', 'pod', 'restart', POD)
  }

  /** A new certificate, put in place as the kubelet does it: the link to a whole directory is replaced. */
  async rotateCertificate(): Promise<void> {
    await this.#machine.run('sh', '/pki/issue.sh', `${CERTIFICATES}/..next`)
    const replace =
      'ln -s ..next ..new; mv -T ..new ..data; for f in tls.crt tls.key; do ln -sf "..data/$f" "$f"; done'
    await this.#machine.run('sh', '-ec', `cd ${CERTIFICATES}; chmod -R a+rX ..next; ${replace}`)
  }

  async #inspect(container: string, format: string): Promise<string> {
    return this.#machine.run('podman', 'inspect', '--format', format, `${POD}-${container}`)
  }
}

function secret(name: string, data: Readonly<Record<string, string>>): object {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: Object.fromEntries(encoded) }
}

/** issue.sh DIRECTORY: a new key and a certificate of the one authority, which the first call makes. */
const ISSUE = `set -e
key='-nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256'
cd /pki
[ -e ca.crt ] || openssl req -x509 -new $key -days 30 -subj /CN=authority -keyout ca.key -out ca.crt
mkdir -p "$1"
openssl req -new $key -subj / -addext subjectAltName=critical,DNS:uds-sidecar -keyout "$1/tls.key" |
  openssl x509 -req -days 30 -CA ca.crt -CAkey ca.key -copy_extensions copyall -out "$1/tls.crt"
`
