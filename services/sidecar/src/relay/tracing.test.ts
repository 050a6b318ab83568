import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { loggingSidecar } from '../testing/access-lines.ts'
import { Conversation } from '../testing/conversation.ts'
import { mirror, play, rawServer } from '../testing/raw-server.ts'
import { configFrom, portOf } from '../testing/sidecar-with.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const VALID = `traceparent: 00-${TRACE}-${PARENT}-01\r\n`

/** A sidecar in front of an app that responds with the head that it got. */
async function stack(top: string) {
  const run = await tempDirectory()
  const server = await rawServer(`${run.path}/u`, (socket) => play(socket, mirror))
  const yaml = `accessLog: all
${top}
routes:
  - {name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${run.path}/u", allow: [GET|PUT /a]}
`
  const logging = await loggingSidecar(yaml)
  const client = new Conversation(portOf(logging.sidecar))
  let count = 0
  return {
    ...logging,
    yaml,
    /** The trace fields that the app got, and the line of the request. */
    async ask(fields = '', request = 'GET /a', body = '') {
      client.received = ''
      await client.send(`${request} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`).hears('\r\n\r\n')
      await client.hears('X-Request-Id')
      count += 1
      const line = (await logging.untilLines(count))[count - 1] ?? {}
      return { fields: client.received.match(/^trace.*(?=\r$)/gim) ?? [], line }
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await logging.sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

describe('a trace', () => {
  it('of a client goes on: the app gets a span of the sidecar, which the log has too', async () => {
    await using it = await stack('')
    const { fields, line } = await it.ask(`${VALID}tracestate: a=1\r\n`)
    assert.deepEqual(fields, [`traceparent: 00-${TRACE}-${line.spanId}-01`, 'tracestate: a=1'])
    assert.deepEqual([line.traceId, line.parentSpanId], [TRACE, PARENT])
    assert.notEqual(line.spanId, PARENT)
  })

  it('goes on with a body that is gathered before it is sent', async () => {
    await using it = await stack('')
    const { fields, line } = await it.ask(`${VALID}Content-Length: 3\r\n`, 'PUT /a', 'abc')
    assert.deepEqual(fields, [`traceparent: 00-${TRACE}-${line.spanId}-01`])
  })

  it('that is malformed ends at the sidecar, with its state', async () => {
    await using it = await stack('')
    const { fields, line } = await it.ask('traceparent: 00-x\r\ntracestate: a=1\r\n')
    assert.deepEqual([fields, line.traceId], [[], null])
    assert.deepEqual((await it.ask('tracestate: a=1\r\n')).fields, [])
    assert.deepEqual((await it.ask(`${VALID}${VALID}`)).fields, [])
  })

  it('begins only where the configuration asks for it', async () => {
    await using it = await stack('')
    assert.deepEqual((await it.ask()).fields, [])
    await it.sidecar.apply(configFrom(it.yaml.replace('accessLog', 'trace: true\naccessLog')))
    const { fields, line } = await it.ask('tracestate: a=1\r\n')
    assert.deepEqual(fields, [`traceparent: 00-${line.traceId}-${line.spanId}-01`])
    assert.equal(line.parentSpanId, null)
    assert.equal((await it.ask(VALID)).line.traceId, TRACE)
    const restarted = await it.ask('traceparent: 00-x\r\ntracestate: a=1\r\n')
    assert.deepEqual(restarted.fields, [
      `traceparent: 00-${restarted.line.traceId}-${restarted.line.spanId}-01`,
    ])
  })
})
