import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { loggingSidecar } from '../testing/access-lines.ts'
import { type Names, resolverOf } from '../testing/connect-stack.ts'
import { Conversation } from '../testing/conversation.ts'
import { exposed } from '../testing/exposed.ts'
import { opsPortOf } from '../testing/sidecar-with.ts'

/** A route of kind connect with a wildcard rule, an operations port and an access log. */
async function stack(names: Names = {}) {
  const directory = await tempDirectory()
  const path = directory.at('proxy.sock')
  const logging = await loggingSidecar(
    `{ops: "tcp://127.0.0.1:0", routes: [{name: out, kind: connect, listen: "unix:${path}", allow: ["CONNECT *.example.org:443", "CONNECT api.example.org:443"]}]}`,
    { resolver: resolverOf(names) },
  )
  return {
    ...logging,
    /** Sends a CONNECT to each host. @returns the responses */
    async connect(...hosts: readonly string[]): Promise<string[]> {
      const responses: string[] = []
      for (const host of hosts) {
        using client = new Conversation(path)
        client.send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
        responses.push(await client.toItsEnd())
      }
      return responses
    },
    /** The series of both metrics about failures that have this code. */
    async counted(): Promise<string[]> {
      const text = await exposed(logging.sidecar)
      const lines = text.matchAll(
        /^sidecar_(upstream_errors|requests_refused)_total\{route="out",\w+="host_unknown"\} (\d+)$/gm,
      )
      return Array.from(lines, ([, metric, count]) => `${metric} ${count}`)
    },
    async page(of: string): Promise<string> {
      return await (await fetch(`http://127.0.0.1:${opsPortOf(logging.sidecar)}${of}`)).text()
    },
    async [Symbol.asyncDispose]() {
      await logging.sidecar[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('a name that only a wildcard rule names, and that does not exist', () => {
  it('gets the same response as any name that does not resolve', async () => {
    await using it = await stack()
    const [response = ''] = await it.connect('nothing.example.org')
    assert.match(response, /^HTTP\/1\.1 502 /)
    assert.match(response, /"code":"host_unknown"/)
    assert.match(response, /correct the name in the client, which chose it/)
  })

  it('counts as refused, from 0 on, and raises no alert about an upstream', async () => {
    await using it = await stack()
    assert.deepEqual(await it.counted(), ['upstream_errors 0', 'requests_refused 0'])
    await it.connect('nothing.example.org', 'no-more.example.org')
    assert.deepEqual(await it.counted(), ['upstream_errors 0', 'requests_refused 2'])
  })

  it('is logged as a refusal', async () => {
    await using it = await stack()
    await it.connect('nothing.example.org', 'api.example.org', 'nothing.example.com')
    const lines = await it.untilLines(3)
    assert.deepEqual(
      lines.map(({ level, status, code }) => [level, status, code]),
      [
        ['info', 502, 'host_unknown'],
        ['warn', 502, 'host_unknown'],
        ['info', 403, 'egress_denied'],
      ],
    )
  })

  it('is among the last refused on the page, and in its sums', async () => {
    await using it = await stack()
    await it.connect('nothing.example.org', 'nothing.example.org')
    const alone = await it.page('/')
    assert.match(alone, /Last refused \(2\).*cannot resolve nothing\.example\.org.*which chose it/s)
    assert.doesNotMatch(alone, /Last failures of the upstream/)
    assert.match(alone, /by code: host_unknown 2 <small>refused<\/small><\/p>/)
    await it.connect('api.example.org')
    const both = await it.page('/')
    assert.match(both, /Last failures of the upstream \(1\)/)
    assert.match(
      both,
      /by code: host_unknown 2 <small>refused<\/small>, host_unknown 1 <small>failed<\/small><\/p>/,
    )
    const [route] = JSON.parse(await it.page('/routes')).routes
    assert.deepEqual([route.state, route.lastError], ['up', null])
  })
})

describe('an error of the upstream', () => {
  for (const [what, host, names] of [
    ['is a name that a rule spells out', 'api.example.org', {}],
    ['is a resolver that does not respond', 'any.example.org', { 'any.example.org': 'EAI_AGAIN' }],
    ['is a resolver that fails', 'any.example.org', { 'any.example.org': 'EAI_FAIL' }],
  ] as const)
    it(what, async () => {
      await using it = await stack(names)
      const [response = ''] = await it.connect(host)
      assert.match(response, /^HTTP\/1\.1 502 .*"code":"host_unknown"/s)
      assert.doesNotMatch(response, /which chose it/)
      assert.deepEqual(await it.counted(), ['upstream_errors 1', 'requests_refused 0'])
      const [line] = await it.untilLines(1)
      assert.equal(line?.level, 'warn')
    })
})
