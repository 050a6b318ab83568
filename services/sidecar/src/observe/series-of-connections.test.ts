import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makePair, secretDirectory, tlsText } from '../testing/certificates.ts'
import { helloMessage, inRecords, serverNames } from '../testing/client-hellos.ts'
import { connectStack, NAME, remote } from '../testing/connect-stack.ts'
import { Conversation } from '../testing/conversation.ts'
import { MANY, type Send, sameSeries } from '../testing/exposed.ts'
import { httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

/** Opens a connection for each, some at a time. @param talk resolves when the sidecar has said all that it will */
function oneByOne(talk: (n: number) => Promise<void>): Send {
  return async (from, to) => {
    for (let at = from; at < to; at += 200)
      await Promise.all(Array.from({ length: Math.min(200, to - at) }, (_, i) => talk(at + i)))
  }
}

describe(`${MANY} different names that connections begin with make no series:`, () => {
  it('hosts of CONNECT', async () => {
    await using stack = await connectStack({ allow: [`CONNECT ${NAME}:443`] })
    const ask = async (n: number) => {
      using client = stack.connect(`h${n}.example:${1 + n}`)
      assert.match(await client.toItsEnd(), /^HTTP\/1.1 403 /)
    }
    await sameSeries(stack.sidecar, oneByOne(ask))
    assert.deepEqual(stack.failed(), { egress_denied: MANY })
  })

  it('names in the ClientHello of a tunnel', async () => {
    await using upstream = await remote('127.0.0.1')
    const authority = `${NAME}:${upstream.port}`
    await using stack = await connectStack({ allow: [`CONNECT ${authority}`] })
    const ask = async (n: number) => {
      using client = stack.connect(authority, { early: helloFor(`h${n}.example`) })
      assert.match(await client.toItsEnd(), /^HTTP\/1.1 200 /)
    }
    await sameSeries(stack.sidecar, oneByOne(ask))
    assert.deepEqual(stack.failed(), { sni_mismatch: MANY })
  })

  it('names in the ClientHello to a listener with TLS', async () => {
    await using secret = await secretDirectory(await makePair())
    await using stack = await httpStack(responding(OK), `${tlsText(secret)}, allow: [GET /a]`)
    const ask = async (n: number) => {
      using client = new Conversation(portOf(stack.sidecar)).send(helloFor(`h${n}.example`))
      await client.toItsEnd()
    }
    await sameSeries(stack.sidecar, oneByOne(ask))
  })
})

function helloFor(name: string): Buffer {
  return inRecords(helloMessage({ extensions: [serverNames(name)] }))
}
