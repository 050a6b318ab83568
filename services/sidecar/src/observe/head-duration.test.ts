import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { exposed, valueIn } from '../testing/exposed.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'

describe('sidecar_upstream_head_duration_seconds', () => {
  const count = (text: string, name: string) => valueIn(text, `${name}_count{route="web"}`)

  it('counts what the upstream responds to, and not what the sidecar refuses', async () => {
    await using stack = await httpStack(responding(OK), 'allow: [GET /a]')
    for (const path of ['/a', '/a', '/a', '/b', '/b'])
      await stack.open().send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`).toItsEnd()
    const text = await exposed(stack.sidecar)
    assert.equal(count(text, 'sidecar_upstream_head_duration_seconds'), 3)
    assert.equal(count(text, 'sidecar_request_duration_seconds'), 5)
  })

  it('is over with the head, while the whole goes on with the body', async () => {
    const rest: (() => void)[] = []
    await using stack = await httpStack(({ socket }) => {
      socket.write(OK.slice(0, -1))
      rest.push(() => socket.write('k'))
    }, 'allow: [GET /a]')
    const client = stack.open().send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.hears('\r\n\r\no')
    const text = await exposed(stack.sidecar)
    assert.equal(count(text, 'sidecar_upstream_head_duration_seconds'), 1)
    assert.equal(count(text, 'sidecar_request_duration_seconds'), 0)
    rest[0]?.()
    await client.hears('ok')
    const counters = stack.sidecar.routes[0]?.counters
    await eventually('the whole', () => counters?.latencies.counts.some((each) => each > 0))
    assert.ok((counters?.headLatencies.sumSeconds ?? 9) <= (counters?.latencies.sumSeconds ?? 0))
  })

  it('begins with the end of the request, so that a slow client does not count', async () => {
    await using stack = await httpStack(({ socket, received }) => {
      if (received.endsWith('last')) socket.write(OK)
    }, 'allow: [POST /a]')
    const client = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfirst')
    await eventually('the first part', () => stack.connections.length === 1)
    const sent = performance.now()
    await eventually('some time', () => performance.now() - sent > 100)
    client.send('last')
    await client.hears('ok')
    const counters = stack.sidecar.routes[0]?.counters
    await eventually('the whole', () => counters?.latencies.counts.some((each) => each > 0))
    const difference = (counters?.latencies.sumSeconds ?? 0) - (counters?.headLatencies.sumSeconds ?? 0)
    assert.ok(difference >= 0.1, `${difference}`)
  })

  it('counts a switch of protocols when it comes', async () => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
    const switched = responding(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)
    await using stack = await httpStack(switched, 'allow: [GET /a upgrade tcp]')
    await stack
      .open()
      .send(GET.replace('Host', `${upgrade}Host`))
      .hears('101 Switching')
    assert.equal(count(await exposed(stack.sidecar), 'sidecar_upstream_head_duration_seconds'), 1)
  })
})
