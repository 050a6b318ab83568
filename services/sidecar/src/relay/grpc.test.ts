import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { GrpcClient, type GrpcServer, grpcServer, type HeldCall } from '../testing/grpc.ts'
import { localResolver } from '../testing/partner.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

const NAME = 'grpc.example.org'

let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:localhost,IP:127.0.0.1,DNS:${NAME}` })
  return () => ca[Symbol.asyncDispose]()
})

const WAYS = ['socket → TCP', 'TCP → socket', 'socket → TCP with TLS', 'TCP with TLS → socket'] as const
type Way = (typeof WAYS)[number]

/** A gRPC server behind a stream route of a sidecar, and a client in front of it. */
interface GrpcStack extends AsyncDisposable {
  readonly server: GrpcServer
  readonly sidecar: Sidecar
  client(): GrpcClient
  /** The first call of `hold` that the server has received. */
  firstHeld(): Promise<HeldCall>
}

async function grpcStack(way: Way, drain = '500ms'): Promise<GrpcStack> {
  const directory = await tempDirectory()
  const [from, to] = way.split(' → ') as [string, string]
  const isOut = from === 'socket'
  const server = await grpcServer(
    isOut ? '127.0.0.1:0' : `unix:${directory.at('app.sock')}`,
    to.includes('TLS') ? pair : undefined,
  )
  const route = isOut
    ? `listen: "unix:${directory.at('out.sock')}", upstream: "tcp://${NAME}:${server.port}", allowAddresses: [127.0.0.1/32]`
    : `listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('app.sock')}"`
  const tls = `tls: {certificate: ${pair.certFile}, key: ${pair.keyFile}, alpn: [h2]}`
  const upstreamTls = `upstreamTls: {ca: ${ca.certFile}, alpn: [h2]}`
  const more = [from.includes('TLS') ? tls : '', to.includes('TLS') ? upstreamTls : ''].filter(Boolean)
  const sidecar = await sidecarWith(
    `{drain: ${drain}, routes: [{${['name: grpc, kind: stream', route, ...more].join(', ')}}]}`,
    { resolver: localResolver().resolver },
  )
  const clients: GrpcClient[] = []
  const address = isOut ? `unix:${directory.at('out.sock')}` : `localhost:${portOf(sidecar)}`
  return {
    server,
    sidecar,
    client() {
      // Of their own: clients with the same options share their connections.
      const options = { 'grpc.use_local_subchannel_pool': 1 }
      const client = new GrpcClient(address, from.includes('TLS') ? ca.cert : undefined, options)
      clients.push(client)
      return client
    },
    async firstHeld() {
      await eventually('the call', () => server.held.length > 0)
      return server.held[0] as HeldCall
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
      await sidecar[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

function failures({ sidecar }: GrpcStack): number {
  const counters = sidecar.routes[0]?.counters
  return [...(counters?.failures.values() ?? [])].reduce((sum, count) => sum + count, 0)
}

for (const way of WAYS)
  describe(`gRPC over a stream route, ${way}`, () => {
    it('has calls of all four kinds', async () => {
      await using stack = await grpcStack(way)
      const client = stack.client()
      assert.equal(await client.say('hello'), 'HELLO')
      assert.deepEqual(await client.count(3), ['1', '2', '3'])
      assert.equal(await client.join(['a', 'b', 'c']), 'a+b+c')
      assert.deepEqual(await client.talk(['one', 'two']), ['ONE', 'TWO'])
      assert.equal(failures(stack), 0)
    })

    it('has many calls at a time on one connection, and large messages', async () => {
      await using stack = await grpcStack(way)
      const client = stack.client()
      const large = 'x'.repeat(3_000_000)
      const texts = Array.from({ length: 100 }, (_, index) => `call ${index}`)
      const [long, counted, ...short] = await Promise.all([
        client.talk([large, 'end']),
        client.count(5_000),
        ...texts.map((text) => client.say(text)),
      ])
      assert.ok(long[0] === large.toUpperCase() && long[1] === 'END')
      assert.equal(counted.at(-1), '5000')
      assert.deepEqual(
        short,
        texts.map((text) => text.toUpperCase()),
      )
      assert.equal(stack.sidecar.routes[0]?.counters.connectionsTotal, 1)
    })

    it('has cancellation: the server sees it, and other calls of the connection go on', async () => {
      await using stack = await grpcStack(way)
      const client = stack.client()
      const call = client.hold('a')
      const held = await stack.firstHeld()
      call.cancel()
      assert.equal(await call.response, 'CANCELLED')
      await eventually('the server to see it', held.isCancelled)
      assert.equal(await client.say('still here'), 'STILL HERE')
      assert.equal(stack.sidecar.routes[0]?.counters.connectionsTotal, 1)
    })

    it('has deadlines: the server knows it, and the call ends with it', async () => {
      await using stack = await grpcStack(way)
      const client = stack.client()
      const deadline = Date.now() + 60_000
      const patient = client.hold('a', { deadline })
      const held = await stack.firstHeld()
      assert.ok(Math.abs(held.deadlineMs - deadline) < 30_000, `${held.deadlineMs - deadline} ms apart`)
      held.release()
      assert.equal(await patient.response, 'held a')
      assert.equal(await client.hold('b', { deadline: Date.now() + 300 }).response, 'DEADLINE_EXCEEDED')
      await eventually('the server to see it', () => stack.server.held[1]?.isCancelled() !== false)
    })

    it('ends its connection when the server shuts down, after the last call', async () => {
      await using stack = await grpcStack(way)
      const client = stack.client()
      const call = client.hold('a')
      const held = await stack.firstHeld()
      const down = stack.server.shutDown()
      held.release()
      assert.equal(await call.response, 'held a')
      await down
      await eventually('the connection to end', () => stack.sidecar.routes[0]?.counters.connectionsOpen === 0)
      assert.equal(failures(stack), 0)
    })
  })

describe('a drain of a stream route with gRPC', () => {
  it('waits for a call that is quiet, and not for a connection that has none', async () => {
    await using stack = await grpcStack('TCP → socket', '30s')
    const call = stack.client().hold('a')
    const held = await stack.firstHeld()
    assert.equal(await stack.client().say('idle from now on'), 'IDLE FROM NOW ON')
    const drained = stack.sidecar[Symbol.asyncDispose]()
    const counters = stack.sidecar.routes[0]?.counters
    await eventually('the idle connection to end', () => counters?.connectionsOpen === 1)
    held.release()
    assert.equal(await call.response, 'held a')
    await drained
    assert.equal(failures(stack), 0)
  })

  it("ends with the server's own GOAWAY, after the last of its calls", async () => {
    await using stack = await grpcStack('TCP → socket', '30s')
    const call = stack.client().hold('a')
    const held = await stack.firstHeld()
    const drained = stack.sidecar[Symbol.asyncDispose]()
    const down = stack.server.shutDown()
    held.release()
    assert.equal(await call.response, 'held a')
    await Promise.all([drained, down])
    assert.equal(failures(stack), 0)
  })

  it('cuts what is left when its time is over, and both sides see it', async () => {
    await using stack = await grpcStack('TCP → socket', '100ms')
    const call = stack.client().hold('a')
    const held = await stack.firstHeld()
    await stack.sidecar[Symbol.asyncDispose]()
    assert.equal(await call.response, 'UNAVAILABLE')
    await eventually('the server to see it', held.isCancelled)
    assert.equal(stack.sidecar.routes[0]?.counters.failures.get('draining'), 1)
  })
})

describe('the :authority of a call', () => {
  const seen = async (stack: GrpcStack, client: GrpcClient) => {
    const call = client.hold('a')
    const held = await stack.firstHeld()
    held.release()
    await call.response
    return held.authority
  }

  it('is localhost from a client of a Unix socket, whatever the upstream is', async () => {
    for (const way of ['socket → TCP', 'socket → TCP with TLS'] as const) {
      await using stack = await grpcStack(way)
      assert.equal(await seen(stack, stack.client()), 'localhost')
    }
  })

  it('is what a client on TCP has dialled: the sidecar changes nothing', async () => {
    for (const way of ['TCP → socket', 'TCP with TLS → socket'] as const) {
      await using stack = await grpcStack(way)
      assert.equal(await seen(stack, stack.client()), `localhost:${portOf(stack.sidecar)}`)
    }
  })
})
