/** Responses of TLS upstreams in records of all sizes, to clients of all manners: each gets its own, byte by byte. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { issuedTo } from '../testing/certificates.ts'
import { aTurn } from '../testing/conversation.ts'
import { type PlannedResponse, planResponse } from '../testing/fuzz/generate-records.ts'
import { type OracleMessage, read } from '../testing/fuzz/oracle.ts'
import { Random } from '../testing/fuzz/random.ts'
import { partner, wayOutStack } from '../testing/partner.ts'
import { pauseFor, type RecordWire, readSlowly, recordServer } from '../testing/record-server.ts'

const NAME = 'api.example.org'
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
/** Of each of the four kinds. */
const CLIENTS = Math.ceil(Number(process.env.FUZZ_CASES ?? 20_000) / 400)
const AT_ONCE = 5

const issued = issuedTo(NAME)

/** Sends to each request `GET /ID` the response that is planned for it. */
function responder(plans: Map<number, PlannedResponse>) {
  return (wire: RecordWire) => {
    let received = ''
    let last = Promise.resolve()
    wire.tls.on('data', (bytes) => {
      received += bytes.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const plan = plans.get(Number(/^GET \/(\d+) /.exec(received)?.[1]))
        received = received.slice(end + 4)
        assert.ok(plan)
        last = last.then(() => wire.send(plan.bytes, plan.mostRecordBytes, plan.end))
      }
    })
  }
}

const MANNERS = ['reads at once', 'reads slowly', 'reads late', 'leaves'] as const
type Manner = (typeof MANNERS)[number]

/** Sends a request for each plan on one connection. @returns all that it got until its end */
async function converse(
  path: string,
  plans: PlannedResponse[],
  manner: Manner,
  random: Random,
): Promise<Buffer> {
  const socket = connect({ path, allowHalfOpen: true })
  const chunks: Buffer[] = []
  let count = 0
  const stay = manner === 'leaves' ? random.below(random.pick([300, 10_000, 1_000_000])) : Infinity
  const { promise, resolve } = Promise.withResolvers<void>()
  socket
    .on('data', (bytes: Buffer) => {
      chunks.push(bytes)
      count += bytes.length
      if (count > stay) socket.destroy()
    })
    .on('error', () => socket.destroy())
    .once('end', resolve)
    .once('close', resolve)
  const requests = plans.map(({ id }, at) => {
    const close = at === plans.length - 1 ? 'Connection: close\r\n' : ''
    return `GET /${id} HTTP/1.1\r\nHost: a\r\n${close}\r\n`
  })
  socket.write(requests.join(''))
  if (manner === 'reads slowly') readSlowly(socket, random)
  if (manner === 'reads late') pauseFor(socket, 200)
  await promise
  socket.destroy()
  return Buffer.concat(chunks)
}

function fieldOf({ headers }: OracleMessage, name: string): string | undefined {
  return headers[headers.indexOf(name) + 1]
}

/** @param isWhole whether nothing may be missing, but after a response that is cut */
function check(plans: readonly PlannedResponse[], received: Buffer, isWhole: boolean): void {
  const { messages, error } = read('response', received)
  assert.equal(error, null)
  const rest = [...messages]
  let mustCome = isWhole
  for (const plan of plans) {
    mustCome &&= !plan.isCut
    const got: OracleMessage[] = []
    do got.push(...rest.splice(0, 1))
    while (rest.length > 0 && (got.at(-1)?.status ?? 0) < 200)
    checkOne(plan, got, mustCome)
  }
  assert.deepEqual(rest, [])
}

function checkOne(plan: PlannedResponse, got: OracleMessage[], mustCome: boolean): void {
  const what = JSON.stringify({ ...plan, bytes: plan.bytes.length, body: plan.body.length })
  const final = got.find(({ status }) => status >= 200)
  const interims = got.filter(({ status }) => status < 200)
  for (const [at, interim] of interims.entries())
    assert.equal(fieldOf(interim, 'X-Id'), `${plan.id}-${at}`, what)
  assert.ok(interims.length <= plan.interims, what)
  if (mustCome) assert.ok(final?.complete, `${what}: got ${final?.status} with ${final?.body.length} bytes`)
  if (final === undefined) return
  if (!mustCome && final.status === 502) return
  assert.equal(final.status, plan.status, `${what}: ${final.body.slice(0, 500)}`)
  assert.equal(fieldOf(final, 'X-Id'), String(plan.id), what)
  assert.equal(interims.length, plan.interims, what)
  const body = plan.body.toString('latin1')
  assert.ok(body.startsWith(final.body), `${what}: other bytes`)
  if (!final.complete) return
  assert.ok(!plan.isCut || plan.mayBeWhole, `${what}: it looks whole`)
  assert.ok(final.body === body, `${what}: ${final.body.length} bytes look whole`)
}

describe(`responses in records of all sizes (FUZZ_SEED=${SEED})`, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const buffer of ['64KiB', '4MiB'])
      it(`reach ${CLIENTS} clients as they were sent, with ${version} and a response buffer of ${buffer}`, async () => {
        const random = new Random(SEED)
        const plans = new Map<number, PlannedResponse>()
        const tls = { ...issued.pair, minVersion: version, maxVersion: version }
        await using server = await recordServer(tls, random, responder(plans))
        await using stack = await wayOutStack(
          `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${issued.ca.certFile}}, limits: {responseBufferBytes: ${buffer}}`,
        )
        let started = 0
        const one = async () => {
          const mine = Array.from({ length: 1 + random.below(4) }, () => {
            const plan = planResponse(plans.size, random)
            plans.set(plan.id, plan)
            return plan
          })
          const manner = random.pick(MANNERS)
          const received = await converse(stack.directory.at('out.sock'), mine, manner, random)
          check(mine, received, manner !== 'leaves')
        }
        const worker = async () => {
          for (; started < CLIENTS; ) {
            started += 1
            await one()
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, worker))
        assert.ok(server.accepted() < plans.size, 'no connection was used twice')
      })
})

describe('an upstream that sends 200 MB to a client that does not read', () => {
  const MB = 1_000_000
  const FIELDS = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
  const HEADS = {
    '/response': `HTTP/1.1 200 OK\r\nContent-Length: ${200 * MB}\r\n\r\n`,
    '/tunnel': `HTTP/1.1 101 Switching\r\n${FIELDS}\r\n`,
  }
  for (const path of ['/response', '/tunnel'] as const)
    for (const recordBytes of [200, 16_384])
      it(`is held back, in records of ${recordBytes} bytes of ${path}`, async () => {
        const record = Buffer.alloc(recordBytes, 'x')
        let written = 0
        await using server = await partner(({ socket, received }) => {
          if (!received.endsWith('\r\n\r\n')) return
          socket.write(HEADS[path])
          const more = () => {
            for (let hasRoom = true; hasRoom && written < 200 * MB; written += recordBytes)
              hasRoom = socket.write(record)
          }
          socket.on('drain', more)
          more()
        }, issued.pair)
        await using stack = await wayOutStack(
          `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${issued.ca.certFile}}, limits: {responseBufferBytes: 64KiB}, allow: [GET /response, GET /tunnel upgrade tcp]`,
        )
        const before = process.memoryUsage()
        const client = connect(stack.directory.at('out.sock')).pause()
        client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${path === '/tunnel' ? FIELDS : ''}\r\n`)
        let [last, same] = [0, 0]
        await eventually('the upstream to be held back', async () => {
          await aTurn()
          same = written > 0 && written === last ? same + 1 : 0
          last = written
          return same > 20
        })
        const { arrayBuffers, heapUsed } = process.memoryUsage()
        client.destroy()
        const grown = arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed
        assert.ok(written < 20 * MB, `the sidecar and the kernel took ${written} bytes`)
        assert.ok(grown < 30 * MB, `memory grew by ${grown} bytes`)
      })
})
