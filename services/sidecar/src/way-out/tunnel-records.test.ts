/** Upgraded connections to TLS upstreams that send records of all sizes: both sides get all bytes, up to the end. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { issuedTo } from '../testing/certificates.ts'
import { aTurn } from '../testing/conversation.ts'
import { bodyOf } from '../testing/fuzz/generate-records.ts'
import { Random } from '../testing/fuzz/random.ts'
import { wayOutStack } from '../testing/partner.ts'
import { pauseFor, type RecordWire, readSlowly, recordServer } from '../testing/record-server.ts'

const NAME = 'api.example.org'
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
/** Of each version. */
const TUNNELS = Math.ceil(Number(process.env.FUZZ_CASES ?? 20_000) / 400)
const AT_ONCE = 4

const issued = issuedTo(NAME)

const FIELDS = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
const INTERIM = 'HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n'
const SWITCHED = `HTTP/1.1 101 Switching\r\n${FIELDS}\r\n`

const COURSES = ['client ends first', 'upstream ends first', 'upstream resets', 'client leaves'] as const

interface Plan {
  readonly course: (typeof COURSES)[number]
  readonly interims: number
  /** What the client gets after the 101, and what the upstream gets after the request. */
  readonly down: Buffer
  readonly up: Buffer
  /** How much of `up` the client sends with its request. */
  readonly early: number
  readonly mostRecordBytes: number
  /** Whether the client, and the upstream, read at once, slowly, or late. */
  readonly client: number
  readonly upstream: number
}

function plan(id: number, random: Random): Plan {
  const [mostRecordBytes, mostBytes] = random.pick([
    [3, 300],
    [700, 90_000],
    [16_384, 1_500_000],
    [60_000, 1_500_000],
  ] as const)
  const up = bodyOf(id * 2 + 1, random.below(random.pick([1, 3_000, 1_500_000])))
  return {
    course: random.pick(COURSES),
    interims: random.below(3),
    down: bodyOf(id * 2, random.below(mostBytes)),
    up,
    early: random.chance(3) ? Math.min(up.length, random.below(3_000)) : 0,
    mostRecordBytes,
    client: random.below(3),
    upstream: random.below(3),
  }
}

/** Keeps what `socket` receives. */
function listenTo(socket: Duplex, manner: number, random: Random) {
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  socket
    .on('data', (bytes: Buffer) => chunks.push(bytes))
    .on('error', () => socket.destroy())
    .once('end', resolve)
    .once('close', resolve)
  if (manner === 1) readSlowly(socket, random)
  if (manner === 2) pauseFor(socket, 100)
  return { end: promise, received: () => Buffer.concat(chunks) }
}

async function writeInPieces(socket: Duplex, bytes: Buffer, random: Random): Promise<void> {
  const most = random.pick([100, 5_000, 200_000])
  for (let at = 0; at < bytes.length && socket.writable; ) {
    const to = Math.min(bytes.length, at + Math.ceil(bytes.length / 100) + random.below(most))
    socket.write(bytes.subarray(at, to))
    at = to
    if (random.chance(2)) await aTurn()
  }
}

/** The upstream's side of a tunnel. @returns what it received after the head of the request */
async function upstreamSide(wire: RecordWire, plan: Plan, random: Random): Promise<Buffer> {
  const { course, down, mostRecordBytes } = plan
  const { end, received } = listenTo(wire.tls, plan.upstream, random)
  const afterHead = () => received().subarray(received().indexOf('\r\n\r\n') + 4)
  const cut = random.below(down.length + 1)
  const head = Buffer.from(INTERIM.repeat(plan.interims) + SWITCHED)
  await wire.send(Buffer.concat([head, down.subarray(0, cut)]), mostRecordBytes)
  if (course === 'client ends first') await end
  if (course === 'upstream resets') await wire.send(down.subarray(cut, cut + 1_000), mostRecordBytes, 'reset')
  else await wire.send(down.subarray(cut), mostRecordBytes, 'notify')
  await end
  return afterHead()
}

/** @returns what the client received. */
async function clientSide(path: string, id: number, plan: Plan, random: Random): Promise<Buffer> {
  const { course, up, early } = plan
  const socket = connect({ path, allowHalfOpen: true })
  const { end, received } = listenTo(socket, plan.client, random)
  const head = Buffer.from(`GET /${id} HTTP/1.1\r\nHost: a\r\n${FIELDS}\r\n`)
  socket.write(Buffer.concat([head, up.subarray(0, early)]))
  const cut = course === 'upstream ends first' ? random.below(up.length - early + 1) + early : up.length
  await writeInPieces(socket, up.subarray(early, cut), random)
  if (course === 'client ends first') socket.end()
  if (course === 'client leaves') pauseFor(socket, random.below(100)).then(() => socket.destroy())
  await end
  await writeInPieces(socket, up.subarray(cut), random)
  socket.end()
  return received()
}

function check(plan: Plan, toClient: Buffer, toUpstream: Buffer): void {
  const { course, down, up, interims } = plan
  const what = JSON.stringify({ ...plan, down: down.length, up: up.length })
  const isWhole = course === 'client ends first' || course === 'upstream ends first'
  assert.ok(up.subarray(0, toUpstream.length).equals(toUpstream), `${what}: other bytes for the upstream`)
  if (isWhole) assert.equal(toUpstream.length, up.length, what)
  const text = toClient.toString('latin1')
  const start = text.indexOf('HTTP/1.1 101')
  if (start >= 0) assert.equal(text.slice(0, start), INTERIM.repeat(interims), what)
  const bytes = toClient.subarray(text.indexOf('\r\n\r\n', Math.max(0, start)) + 4)
  if (isWhole) assert.equal(start >= 0 ? bytes.length : text.slice(0, 500), down.length, what)
  if (start >= 0)
    assert.ok(down.subarray(0, bytes.length).equals(bytes), `${what}: other bytes for the client`)
}

describe(`tunnels of records of all sizes (FUZZ_SEED=${SEED})`, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`carry all bytes of ${TUNNELS} connections with ${version} both ways`, async () => {
      const random = new Random(SEED)
      const plans = new Map<number, Plan>()
      const upstreams = new Map<number, Promise<Buffer>>()
      const tls = { ...issued.pair, minVersion: version, maxVersion: version }
      await using server = await recordServer(tls, random, (wire) => {
        wire.tls.once('data', (bytes) => {
          const id = Number(/^GET \/(\d+) /.exec(bytes.toString('latin1'))?.[1])
          const planned = plans.get(id)
          assert.ok(planned)
          wire.tls.unshift(bytes)
          upstreams.set(id, upstreamSide(wire, planned, random))
        })
      })
      await using stack = await wayOutStack(
        `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${issued.ca.certFile}}, allow: [GET /* upgrade tcp]`,
      )
      const worker = async () => {
        while (plans.size < TUNNELS) {
          const id = plans.size
          const planned = plan(id, random)
          plans.set(id, planned)
          const toClient = await clientSide(stack.directory.at('out.sock'), id, planned, random)
          const toUpstream = (await upstreams.get(id)) ?? Buffer.alloc(0)
          check(planned, toClient, toUpstream)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      const open = () => stack.sidecar.routes[0]?.counters.tunnelsOpen.upgrade
      await eventually('all tunnels to be closed', () => open() === 0)
    })
})
