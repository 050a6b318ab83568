import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { createSecureContext } from 'node:tls'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { makePair, secretDirectory, tlsConversation, tlsText } from '../testing/certificates.ts'
import { makeAuthority, makeClient, withChain } from '../testing/client-certificates.ts'
import { GET, OK } from '../testing/http-stack.ts'
import { play, rawServer, responding } from '../testing/raw-server.ts'
import { sidecarProcess } from '../testing/sidecar-process.ts'

const MiB = 1_048_576
const CLIENTS = 512
/** About 70 kB: OpenSSL refuses more than 100 kB. Parsed, they cost about 1 MiB. */
const LONG = 220
/** Less than a fifth of what the chains cost together: none may stay after its handshake. */
const MOST = 96 * MiB

describe(`${CLIENTS} clients with ${LONG} certificates each`, () => {
  for (const isTrusted of [true, false])
    it(`cost bounded memory when they are ${isTrusted ? 'let in' : 'refused'}, and others are served`, async () => {
      const pair = await makePair()
      const root = await makeAuthority({ name: 'root' })
      const issuer = isTrusted ? root : await makeAuthority({ name: 'root' })
      const other = await makeAuthority()
      const client = withChain(
        await makeClient(issuer, 'URI:spiffe://example.org/a'),
        ...Array.from({ length: LONG }, () => other),
      )
      await using secret = await secretDirectory(pair)
      await using directory = await tempDirectory()
      await writeFile(directory.at('ca.crt'), root.cert)
      await using _upstream = await rawServer(directory.at('u'), (socket) => play(socket, responding(OK)))
      await writeFile(
        directory.at('sidecar.yaml'),
        `{drain: 0s, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", allow: [GET /*], ${tlsText(secret, `clientCa: ${directory.at('ca.crt')}`)}}]}`,
      )
      await using sidecar = sidecarProcess({ SIDECAR_CONFIG: directory.at('sidecar.yaml') })
      await sidecar.started()
      const port = await sidecar.port('web')
      const memoryBytes = () =>
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${sidecar.child.pid}/status`, 'utf8'))?.[1]) * 1_024
      const isServed = async () => {
        using honest = tlsConversation(port, pair)
        await honest.send(GET).hears('ok')
      }
      for (let i = 0; i < 20; i++) await isServed() // what Node compiles and keeps does not count
      const memory = memoryBytes()
      const secureContext = createSecureContext({ ca: pair.cert, ...client })
      for (let i = 0; i < CLIENTS; i++) {
        using conversation = tlsConversation(port, pair, { secureContext })
        conversation.send(GET)
        if (isTrusted) await conversation.hears('ok')
        else await conversation.toItsEnd()
      }
      await isServed()
      const grown = memoryBytes() - memory
      assert.ok(grown < MOST, `${grown} bytes more`)
    })
})
