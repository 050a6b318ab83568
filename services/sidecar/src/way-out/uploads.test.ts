/** Uploads to TLS upstreams that read slowly, reset or respond in the middle: no byte is lost, and nothing hangs. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { issuedTo } from '../testing/certificates.ts'
import { aTurn, readAll } from '../testing/conversation.ts'
import { bodyOf, chunked } from '../testing/fuzz/generate-records.ts'
import { read } from '../testing/fuzz/oracle.ts'
import { Random } from '../testing/fuzz/random.ts'
import { wayOutStack } from '../testing/partner.ts'
import { pauseFor, type RecordWire, readSlowly, recordServer } from '../testing/record-server.ts'

const NAME = 'api.example.org'
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
/** Of each version. */
const CLIENTS = Math.ceil(Number(process.env.FUZZ_CASES ?? 20_000) / 600)
const AT_ONCE = 4

const issued = issuedTo(NAME)

type Course = 'whole' | 'upstream resets' | 'upstream responds early' | 'client leaves'

interface Upload {
  readonly id: number
  readonly course: Course
  readonly body: Buffer
  readonly message: Buffer
  /** Bytes after which the upstream or the client breaks off. */
  readonly cut: number
}

function planUpload(id: number, course: Course, random: Random): Upload {
  const body = bodyOf(id, random.below(random.pick([2, 20_000, 300_000, 2_000_000, 9_000_000])))
  const isChunked = random.chance(2)
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
  const head = Buffer.from(`POST /${id} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)
  const message = Buffer.concat([head, isChunked ? chunked(body, random) : body])
  return { id, course, body, message, cut: random.below(message.length) }
}

/** Takes one request after the other. A body in which a byte is wrong gets the status 500. */
function receiver(uploads: Map<number, Upload>, random: Random) {
  return (wire: RecordWire) => {
    let chunks: Buffer[] = []
    let received = 0
    wire.tls.on('data', (bytes: Buffer) => {
      chunks.push(bytes)
      received += bytes.length
      const [first = bytes] = chunks
      const upload = uploads.get(Number(/^POST \/(\d+) /.exec(first.subarray(0, 40).toString('latin1'))?.[1]))
      if (upload === undefined) return
      const isBreaking = upload.course.startsWith('upstream') && received > upload.cut
      if (isBreaking) {
        uploads.delete(upload.id)
        const response =
          upload.course === 'upstream resets' ? '' : responseTo(upload, 413, 'Connection: close')
        wire.send(Buffer.from(response), 10, response === '' ? 'reset' : random.pick(['notify', 'fin']))
      } else if (received >= upload.body.length && /\r\n0\r\n\r\n$|^(?!.*chunked)/s.test(tail(chunks))) {
        const [message] = read('request', Buffer.concat(chunks)).messages
        if (!message?.complete) return
        chunks = []
        received = 0
        const isRight = message.body === upload.body.toString('latin1')
        wire.send(Buffer.from(responseTo(upload, isRight ? 200 : 500)), 50)
      }
    })
    const manner = random.below(3)
    if (manner === 1) readSlowly(wire.tls, random)
    if (manner === 2) pauseFor(wire.tls, 300)
  }
}

/** The head of what was received, where it says how the body ends, and its last bytes. */
function tail(chunks: readonly Buffer[]): string {
  const all = [chunks[0], chunks.at(-2), chunks.at(-1)]
  return all
    .map((bytes, at) => (at === 0 ? bytes?.subarray(0, 200) : bytes?.subarray(-8))?.toString('latin1'))
    .join('')
}

function responseTo({ id }: Upload, status: number, field = 'X-A: b'): string {
  return `HTTP/1.1 ${status} Status\r\nX-Id: ${id}\r\n${field}\r\nContent-Length: 2\r\n\r\nok`
}

/** Sends all uploads on one connection. @returns what came back until its end */
async function send(path: string, uploads: readonly Upload[], random: Random): Promise<Buffer> {
  const socket = connect({ path, allowHalfOpen: true })
  socket.on('error', () => socket.destroy())
  const received = readAll(socket)
  const most = random.pick([300, 60_000, 1_000_000])
  for (const { message, course, cut } of uploads) {
    const length = course === 'client leaves' ? cut : message.length
    for (let at = 0; at < length && socket.writable; ) {
      const to = Math.min(length, at + Math.ceil(length / 100) + random.below(most))
      socket.write(message.subarray(at, to))
      at = to
      if (random.chance(2)) await aTurn()
    }
    if (course === 'client leaves') socket.destroy()
  }
  if (socket.writable) socket.end()
  const all = await received
  socket.destroy()
  return all
}

function check(uploads: readonly Upload[], received: Buffer): void {
  const { messages, error } = read('response', received)
  assert.equal(error, null)
  for (const [at, { id, course, body }] of uploads.entries()) {
    const what = `${course}, ${body.length} bytes, id ${id} of ${uploads.map((upload) => upload.id)}`
    const message = messages[at]
    const status = message?.complete ? message.status : 0
    const isWhole = course === 'whole' && uploads.at(-1)?.course !== 'client leaves'
    const allowed = isWhole ? [200] : course === 'upstream responds early' ? [413, 502, 0] : [502, 0, 200]
    assert.ok(allowed.includes(status), `${what}: ${status} ${message?.body}`)
    if (status === 200) assert.ok(message?.headers.includes(String(id)), what)
  }
}

describe(`uploads to an upstream with TLS that reads slowly (FUZZ_SEED=${SEED})`, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`arrive whole from ${CLIENTS} clients with ${version}`, async () => {
      const random = new Random(SEED)
      const uploads = new Map<number, Upload>()
      const tls = { ...issued.pair, minVersion: version, maxVersion: version }
      await using server = await recordServer(tls, random, receiver(uploads, random))
      await using stack = await wayOutStack(
        `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${issued.ca.certFile}}`,
      )
      let [started, next] = [0, 0]
      const worker = async () => {
        while (started < CLIENTS) {
          started += 1
          const count = 1 + random.below(3)
          const mine = Array.from({ length: count }, (_, at) => {
            const last = random.pick([
              'whole',
              'upstream resets',
              'upstream responds early',
              'client leaves',
            ] as const)
            const upload = planUpload(next++, at === count - 1 ? last : 'whole', random)
            uploads.set(upload.id, upload)
            return upload
          })
          check(mine, await send(stack.directory.at('out.sock'), mine, random))
          for (const { id } of mine) uploads.delete(id)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
    })
})
