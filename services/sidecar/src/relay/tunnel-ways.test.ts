import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { Authority } from '@uds-sidecar/shared/testing/authority'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET } from '../testing/http-stack.ts'
import type { OnReceived } from '../testing/raw-server.ts'
import { WAYS, type WayCertificates, type WayStack, wayCertificates, wayStack } from '../testing/ways.ts'

const ALLOW = 'allow: [GET /events long, GET /a, POST /attach upgrade tcp]'
const EVENTS = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n'
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const SWITCHED = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'
const ATTACH =
  'POST /attach HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n'

let certificates: WayCertificates
before(async () => {
  const ca = await Authority.create()
  certificates = await wayCertificates(ca)
  return () => ca[Symbol.asyncDispose]()
})

/** Sends the head of a stream of events and the first one; responds `ok` to anything else. */
const events: OnReceived = (dialogue) => {
  if (!dialogue.received.includes('\r\n\r\n')) return
  const isLong = dialogue.received.startsWith('GET /events')
  dialogue.received = ''
  dialogue.socket.write(isLong ? HEAD : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  if (isLong) dialogue.socket.write(event(1))
}

/** Switches protocols when the test says so, and then keeps what it receives. */
function attached() {
  const heard: string[] = []
  const behaviour: OnReceived = (dialogue) => {
    heard.push(dialogue.received)
    dialogue.received = ''
  }
  return { behaviour, text: () => heard.join('') }
}

function event(number: number): string {
  const data = `data: ${number}\n\n`
  return `${data.length.toString(16)}\r\n${data}\r\n`
}

function countersOf({ sidecar }: WayStack) {
  const counters = sidecar.routes[0]?.counters
  assert.ok(counters)
  return counters
}

for (const way of WAYS) {
  const stackWith = (behaviour: OnReceived, more = '', drain?: string) =>
    wayStack(way, certificates, behaviour, ALLOW + more, drain)

  describe(`a long response, ${way}`, () => {
    it('is passed on event by event', async () => {
      await using stack = await stackWith(events)
      const client = await stack.open().send(EVENTS).hears('data: 1\n\n')
      for (let i = 2; i < 6; i++) {
        stack.connections[0]?.write(event(i))
        await client.hears(`data: ${i}\n\n`)
      }
    })

    it('releases its upstream when the client has left, between two events', async () => {
      await using stack = await stackWith(events)
      const client = await stack.open().send(EVENTS).hears('data: 1\n\n')
      client[Symbol.dispose]()
      await eventually('the upstream connection to end', () => stack.connections[0]?.readableEnded === true)
      await eventually('the place to be free', () => countersOf(stack).tunnelsOpen.long === 0)
    })

    it('is told apart by the drain: it ends once it is quiet, and the request beside it ends as usual', async () => {
      let finish: () => void = () => undefined
      await using stack = await stackWith(
        (dialogue) => {
          if (dialogue.received.startsWith('GET /a')) {
            const { socket } = dialogue
            finish = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
          } else events(dialogue)
        },
        '',
        '30s',
      )
      const client = await stack.open().send(EVENTS).hears('data: 1\n\n')
      const other = stack.open().send(GET)
      await eventually('both requests', () => stack.connections.length === 2)
      const drained = stack.sidecar[Symbol.asyncDispose]()
      await client.toItsEnd() // of the two, the quiet one is cut
      assert.equal(other.ending, null)
      finish()
      assert.match(await other.toItsEnd(), /\r\nConnection: close\r\n.*ok$/s)
      await drained
      assert.equal(countersOf(stack).failures.get('draining'), 1)
    })

    it('is cut when the time to drain is over, however busy it is', async () => {
      await using stack = await stackWith(events)
      const client = await stack.open().send(EVENTS).hears('data: 1\n\n')
      let isOver = false
      const drained = stack.sidecar[Symbol.asyncDispose]().then(() => {
        isOver = true
      })
      for (let i = 2; !isOver; i++) {
        stack.connections[0]?.write(event(i))
        await new Promise(setImmediate)
      }
      await drained
      await client.toItsEnd()
      assert.doesNotMatch(client.received, /\r\n0\r\n\r\n$/)
      assert.equal(countersOf(stack).failures.get('draining'), 1)
    })
  })

  describe(`an upgraded connection, ${way}`, () => {
    it('carries bytes both ways, and the end of each side', async () => {
      const { behaviour, text } = attached()
      await using stack = await stackWith(behaviour)
      const client = stack.open().send(`${ATTACH}early `)
      await eventually('the request', () => text().endsWith('\r\n\r\n'))
      stack.connections[0]?.write(`${SWITCHED}first `)
      await client.hears('first ')
      client.send('late ')
      client.socket.end('last')
      await eventually('the bytes', () => text().endsWith('early late last'))
      stack.connections[0]?.end('bye')
      assert.match(await client.toItsEnd(), /first bye$/)
      assert.equal(client.ending, 'end')
      await eventually('the tunnel to end', () => countersOf(stack).tunnelsOpen.upgrade === 0)
    })

    it('lets the client wait that sends more than limits.headBytes before the 101, and loses nothing', async () => {
      const bytes = 'x'.repeat(32 * 1_048_576)
      let received = 0
      await using stack = await stackWith((dialogue) => {
        if (dialogue.received.startsWith('GET /a')) events(dialogue)
        else if (dialogue.received.startsWith('POST')) dialogue.received = ''
        else {
          received += dialogue.received.length
          dialogue.received = ''
        }
      }, ', limits: {headBytes: 1KiB}')
      const client = stack.open().send(ATTACH)
      await eventually('the request', () => stack.connections.length === 1)
      client.send(bytes)
      const { socket } = client
      const steady = { left: 0, looks: 0 } // counts polls instead of time: before each one the sidecar could have read
      await eventually('the client to be held back', () => {
        const left = socket.writableLength
        if (steady.left !== left) Object.assign(steady, { left, looks: 0 })
        return steady.looks++ > 20
      })
      assert.ok(socket.writableLength > 0, 'the sidecar has read everything')
      assert.equal(received, 0)
      await stack.open().send(GET).hears('ok') // nobody else waits
      stack.connections[0]?.write(SWITCHED)
      await eventually('all bytes', () => received === bytes.length)
    })

    it('is released when the client leaves before the 101', async () => {
      const { behaviour, text } = attached()
      await using stack = await stackWith(behaviour)
      const client = stack.open().send(ATTACH)
      await eventually('the request', () => text().endsWith('\r\n\r\n'))
      client[Symbol.dispose]()
      await eventually('the upstream connection to end', () => stack.connections[0]?.readableEnded === true)
      await eventually('the place to be free', () => countersOf(stack).tunnelsOpen.upgrade === 0)
    })
  })
}
