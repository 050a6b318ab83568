import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { HandshakeFailure } from '../observe/tls-status.ts'
import { TlsCounters } from '../observe/tls-status.ts'
import { type ProvenCertificate, provenCertificateOf } from '../relay/caller.ts'
import { ConnectionLimits, SharedRoom } from '../relay/connection-limits.ts'
import { Deadlines } from '../relay/deadlines.ts'
import { Certificate } from '../tls/certificate.ts'
import { issue, makePair, type TestPair, tlsConversation } from './certificates.ts'

const CA = 'basicConstraints=critical,CA:TRUE'

/** Makes a CA: a root, or with `issuer` an intermediate. */
export function makeAuthority({
  extensions = [CA],
  ...more
}: Parameters<typeof issue>[0] = {}): Promise<TestPair> {
  return issue({ ...more, extensions })
}

/** Makes a certificate for a client with these names, such as `URI:spiffe://example.org/a`. */
export function makeClient(
  issuer: TestPair,
  names: string,
  { extensions = [], ...more }: Parameters<typeof issue>[0] = {},
): Promise<TestPair> {
  return issue({ ...more, issuer, extensions: [`subjectAltName=${names}`, ...extensions] })
}

/** The certificate of a client, followed by the intermediates that it sends. */
export function withChain({ cert, key }: TestPair, ...intermediates: TestPair[]): TestPair {
  return { key, cert: [cert, ...intermediates.map((each) => each.cert)].join('') }
}

/**
 * A TLS listener with `clientCa` in this process.
 * @param onAccepted what it does with a connection; by default it sends back what it receives.
 */
export async function certificateListener(
  authorities: string,
  server?: TestPair,
  onAccepted: (socket: Socket) => void = (socket) => socket.pipe(socket),
) {
  const pair = server ?? (await makePair())
  const directory = await tempDirectory('tls-')
  const settings = {
    certificate: directory.at('tls.crt'),
    key: directory.at('tls.key'),
    clientCa: directory.at('ca.crt'),
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
    handshakes: 512,
  } as const
  await writeFile(settings.certificate, pair.cert)
  await writeFile(settings.key, pair.key)
  await writeFile(settings.clientCa, authorities)
  const certificate = await Certificate.load(settings, createLog('sidecar', 'silent'), new TlsCounters())
  const proven: (ProvenCertificate | null)[] = []
  const sockets: Socket[] = []
  let judged = 0
  const inner = {
    accept(socket: Socket) {
      proven.push(provenCertificateOf(socket))
      sockets.push(socket.on('error', () => socket.destroy()))
      onAccepted(socket)
    },
    async drain() {},
    judgeAnew() {
      judged += 1
    },
  }
  const limits = new ConnectionLimits({
    connections: 1_000,
    connectionsPerAddress: 1_000,
    descriptors: 1,
    room: new SharedRoom(),
  })
  const handler = certificate.handlerFor({ inner, limits, deadlines: new Deadlines(), isHttp: false })
  const listening = createServer({ allowHalfOpen: true }, (socket) => handler.accept(socket))
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  return {
    port,
    pair,
    certificate,
    /** What each client proved that got in, in order. */
    proven,
    judgedTimes: () => judged,
    failures: (reason: HandshakeFailure) => certificate.counters.handshakeFailures.get(reason),
    open(client: TestPair | null, options: ConnectionOptions = {}) {
      return tlsConversation(options.port ?? port, pair, { ...client, ...options })
    },
    /** Connects, and waits until the client was let in. @returns what it proved */
    async enter(client: TestPair | null, options: ConnectionOptions = {}): Promise<ProvenCertificate | null> {
      const before = proven.length
      using conversation = this.open(client, options)
      await conversation.send('hello').hears('hello')
      return proven[before] ?? null
    },
    async replaceAuthorities(text: string): Promise<void> {
      await writeFile(directory.at('next'), text)
      await rename(directory.at('next'), settings.clientCa)
      await certificate.look()
    },
    async replacePair(next: TestPair): Promise<void> {
      await writeFile(settings.certificate, next.cert)
      await writeFile(settings.key, next.key)
      await eventually('the new pair', async () => {
        await certificate.look()
        return certificate.pair.cert === next.cert
      })
    },
    async [Symbol.asyncDispose]() {
      certificate[Symbol.dispose]()
      for (const socket of sockets) socket.destroy()
      listening.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}
