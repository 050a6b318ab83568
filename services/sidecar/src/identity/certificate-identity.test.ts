import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { makePair, type TestPair, tlsConversation } from '../testing/certificates.ts'
import { makeAuthority, makeClient } from '../testing/client-certificates.ts'
import { BEARER, clientStack, PASSWORD } from '../testing/clients.ts'
import { portOf } from '../testing/sidecar-with.ts'

let server: TestPair
let authority: TestPair
let other: TestPair
let mesh: TestPair
let stranger: TestPair
before(async () => {
  server = await makePair()
  authority = await makeAuthority({ name: 'root' })
  other = await makeAuthority({ name: 'other' })
  mesh = await makeClient(authority, 'URI:spiffe://example.org/ns/monitoring/prometheus')
  stranger = await makeClient(authority, 'URI:spiffe://example.org/ns/other/x')
})

const CLIENT = 'mesh: {certificate: "spiffe://example.org/ns/monitoring/*"}'

/** A stack whose route has TLS with a CA for its clients, and knows `mesh`. */
async function tlsStack(settings: string) {
  const stack = await clientStack('allow: [GET /unused]')
  const { directory } = stack
  const path = (name: string) => directory.at(name)
  await writeFile(path('tls.crt'), server.cert)
  await writeFile(path('tls.key'), server.key)
  await writeFile(path('ca.crt'), authority.cert)
  const tls = `tls: {certificate: ${path('tls.crt')}, key: ${path('tls.key')}, clientCa: ${path('ca.crt')}}`
  const apply = (given: string) => stack.apply(`${given}, ${tls}`, '', CLIENT)
  await apply(settings)
  return {
    stack,
    apply,
    open: (client: TestPair | null) => tlsConversation(portOf(stack.sidecar, 'web'), server, client ?? {}),
    async replaceAuthority(text: string) {
      await writeFile(path('next'), text)
      await rename(path('next'), path('ca.crt'))
      await stack.sidecar.routes[0]?.tls?.look()
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const RULES = 'allow: [GET /a for mesh, GET /b for mesh prometheus grafana, GET /open]'

describe('a client certificate', () => {
  it('proves who the caller is, and the app learns the name', async () => {
    await using tls = await tlsStack(RULES)
    using known = tls.open(mesh)
    await known.send(GET).hears('X-Forwarded-User: mesh\r\n')
    using foreign = tls.open(stranger)
    await foreign.send(GET).hears('"code":"not_permitted"')
    using anonymous = tls.open(null)
    await anonymous.send(GET).hears('"code":"not_permitted"')
    anonymous.received = ''
    await anonymous.send(GET.replace('/a', '/b')).hears('"code":"unauthenticated"')
    anonymous.received = ''
    await anonymous.send(GET.replace('/a', '/open')).hears('200 OK')
    assert.doesNotMatch(anonymous.received, /X-Forwarded-User/)
  })

  it('stands beside tokens and passwords on one port', async () => {
    await using tls = await tlsStack(RULES)
    for (const [fields, user] of [
      [BEARER, 'prometheus'],
      [PASSWORD, 'grafana'],
    ]) {
      using client = tls.open(null)
      await client.send(`GET /b HTTP/1.1\r\nHost: a\r\n${fields}\r\n`).hears(`X-Forwarded-User: ${user}\r\n`)
      assert.doesNotMatch(client.received, /Authorization/)
    }
  })

  it('proves nothing on a kept connection once the CA was replaced', async () => {
    await using tls = await tlsStack(RULES)
    using client = tls.open(mesh)
    await client.send(GET).hears('X-Forwarded-User: mesh\r\n')
    await tls.replaceAuthority(other.cert)
    client.received = ''
    await client.send(GET).hears('"code":"not_permitted"')
  })

  it('proves nothing to the route of another CA that a reload gives the port to', async () => {
    await using tls = await tlsStack(RULES)
    using client = tls.open(mesh)
    await client.send(GET).hears('X-Forwarded-User: mesh\r\n')
    await writeFile(tls.stack.directory.at('other.crt'), other.cert)
    const path = (name: string) => tls.stack.directory.at(name)
    const settings = `${RULES}, tls: {certificate: ${path('tls.crt')}, key: ${path('tls.key')}, clientCa: ${path('other.crt')}}`
    await tls.stack.apply(settings, '', CLIENT)
    client.received = ''
    assert.match(await client.send(GET).toItsEnd(), /"code":"not_permitted"/)
  })

  it('of a stream is judged when it begins, and again when the CA was replaced', async () => {
    await using tls = await tlsStack('kind: stream, for: [mesh]')
    using client = tls.open(mesh)
    await client.send(GET).hears('GET /a')
    using foreign = tls.open(stranger)
    assert.equal(await foreign.toItsEnd(), '')
    await tls.replaceAuthority(other.cert)
    await client.toItsEnd()
    assert.notEqual(client.ending, 'end')
  })
})
