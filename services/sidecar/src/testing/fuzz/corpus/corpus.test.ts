import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HttpStack, httpStack } from '../../http-stack.ts'
import { violationsOf } from '../check-request.ts'
import { relayRequests } from '../relay-model.ts'
import type { Attack } from './attack.ts'
import { CHUNKS } from './chunks.ts'
import { CODINGS } from './codings.ts'
import { HEADS } from './heads.ts'
import { LENGTHS } from './lengths.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/** Sends the attack to a real sidecar, and returns everything that it sends back. */
async function attack(stack: HttpStack, { text }: Attack): Promise<string> {
  const client = stack.open().send(text)
  client.socket.end()
  return await client.toItsEnd()
}

describe('every published form of request smuggling', () => {
  for (const each of [...CODINGS, ...LENGTHS, ...CHUNKS, ...HEADS]) {
    it(`is ${each.verdict}: ${each.name} (${each.source})`, async () => {
      const input = Buffer.from(each.text, 'latin1')
      assert.equal(relayRequests(input).length > 0 ? 'forwarded' : 'refused', each.verdict)
      assert.deepEqual(violationsOf(input), [])
    })
  }

  it('over real sockets, no refused one reaches the upstream as a complete request', async () => {
    let whole = 0
    await using stack = await httpStack((dialogue) => {
      if (!dialogue.received.includes('\r\n\r\n')) return
      whole += 1
      dialogue.socket.end(OK)
    }, 'timeouts: {body: 100ms, head: 100ms, halfClosed: 100ms}')
    for (const each of [...CODINGS, ...LENGTHS, ...HEADS]) {
      whole = 0
      const response = await attack(stack, each)
      const expected =
        each.verdict === 'refused' ? /^$|^HTTP\/1\.1 (400|403|405|417|501) / : /^HTTP\/1\.1 200 /
      assert.match(response, expected, `${each.name}: ${response.slice(0, 200)}`)
      assert.equal(whole, each.verdict === 'refused' ? 0 : 1, each.name)
    }
  })
})
