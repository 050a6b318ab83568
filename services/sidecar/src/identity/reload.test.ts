import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { BEARER, type ClientStack, clientStack, OTHER_BEARER } from '../testing/clients.ts'
import type { OnReceived } from '../testing/raw-server.ts'
import { configFrom } from '../testing/sidecar-with.ts'

const echo: OnReceived = (dialogue) => {
  dialogue.socket.write(dialogue.received)
  dialogue.received = ''
}

const REQUEST = `GET /a HTTP/1.1\r\nHost: a\r\n${BEARER}\r\n`

function failuresOf({ sidecar }: ClientStack, code: FailureCode): number {
  return sidecar.routes[0]?.counters.failures.get(code) ?? 0
}

describe('after a reload, a kept connection', () => {
  it('is judged by the new rules', async () => {
    await using stack = await clientStack('allow: [GET /a for prometheus]')
    const [revoked, public_] = [stack.open(), stack.open()]
    for (const client of [revoked, public_]) await client.send(REQUEST).hears('X-Forwarded-User: prometheus')
    await stack.apply('allow: [GET /a for operator, GET /b for prometheus, GET /new]')
    revoked.received = ''
    assert.match(await revoked.send(REQUEST).toItsEnd(), /^HTTP\/1.1 403 .*not_permitted/s)
    public_.received = ''
    assert.match(await public_.send('GET /new HTTP/1.1\r\nHost: a\r\n\r\n').toItsEnd(), /^HTTP\/1.1 200 /)
  })

  it('is judged by the new clients: a new file of tokens, or another kind', async () => {
    await using stack = await clientStack('allow: [GET /a for prometheus]')
    const client = stack.open()
    await client.send(REQUEST).hears('X-Forwarded-User: prometheus')
    client.received = ''
    await stack.sidecar.apply(
      configFrom(
        stack
          .text('allow: [GET /a for prometheus]')
          .replace(stack.directory.at('prometheus'), stack.directory.at('operator'))
          .replace(`, operator: {token: ${stack.directory.at('operator')}}`, ''),
      ),
    )
    assert.match(await client.send(REQUEST).toItsEnd(), /^HTTP\/1.1 401 .*bad_credentials/s)
    assert.match(await stack.ask('GET /a', OTHER_BEARER), /^HTTP\/1.1 200 /)
  })

  it('of a route that was removed, or has another kind now, is refused', async () => {
    await using stack = await clientStack('allow: [GET /a for prometheus]')
    const client = stack.open()
    await client.send(REQUEST).hears('X-Forwarded-User: prometheus')
    client.received = ''
    await stack.apply('kind: stream')
    assert.match(await client.send(REQUEST).toItsEnd(), /^HTTP\/1.1 503 .*"code":"draining"/s)
  })

  it('of an unchanged route uses the new tokens at once, without a reload of the configuration', async () => {
    await using stack = await clientStack('allow: [GET /a for prometheus]')
    const client = stack.open()
    await client.send(REQUEST).hears('X-Forwarded-User: prometheus')
    client.received = ''
    await writeFile(stack.directory.at('prometheus'), 'another-token-of-prometheus\n')
    await stack.apply('allow: [GET /a for prometheus]')
    await client.send(REQUEST).hears('bad_credentials')
  })
})

describe('a stream', () => {
  it('is relayed for the uid of its caller, and reset for others', async () => {
    await using stack = await clientStack('kind: stream, for: [me]', { unix: true, behaviour: echo })
    await stack.open().send('hello!').hears('hello!')
    await stack.apply('kind: stream, for: [stranger]')
    assert.equal(await stack.open().toItsEnd(), '')
    await eventually('both to be counted', () => failuresOf(stack, 'not_permitted') === 2)
  })

  it('is cut when a reload permits its caller no more, and goes on when it still does', async () => {
    await using stack = await clientStack('kind: stream, for: [me]', { unix: true, behaviour: echo })
    const client = stack.open()
    await client.send('one!').hears('one!')
    await stack.apply('kind: stream, for: [stranger, group]')
    await client.send('two!').hears('two!')
    await stack.apply('kind: stream, for: [stranger]')
    await client.toItsEnd()
    await eventually('it to be counted', () => failuresOf(stack, 'not_permitted') === 1)
  })

  it('is cut when a reload gives its port to a route of another kind', async () => {
    await using stack = await clientStack('kind: stream, for: [me]', { unix: true, behaviour: echo })
    const client = stack.open()
    await client.send('one!').hears('one!')
    await stack.apply('kind: http, allow: [GET /a]')
    await client.toItsEnd()
  })
})
