import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar } from '../sidecar/sidecar.ts'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { responding, respondingServer } from '../testing/raw-server.ts'
import { sidecarProcess } from '../testing/sidecar-process.ts'
import { portOf } from '../testing/sidecar-with.ts'
import type { Certificate } from './certificate.ts'

const ROTATIONS = 50
const CLIENTS = 8

let one: TestPair
let two: TestPair
before(async () => {
  one = await makePair()
  two = await makePair()
})

function certificateOf({ routes }: Sidecar): Certificate {
  const tls = routes[0]?.tls
  if (tls == null) throw new Error('no route with TLS')
  return tls
}

/** Whether a client that trusts this pair alone gets a connection. */
async function servedBy(port: number, trusted: TestPair): Promise<boolean> {
  using client = tlsConversation(port, trusted)
  await client.toItsStart()
  return client.ending === null
}

describe('new certificate files', () => {
  it(`fail no connection under load, ${ROTATIONS} times, without a signal`, async () => {
    await using secret = await secretDirectory(one)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const certificate = certificateOf(stack.sidecar)
    const both = { ...one, cert: one.cert + two.cert }
    const outcomes = { served: 0, failed: [] as (string | null)[] }
    let isOver = false
    const client = async () => {
      while (!isOver) {
        using conversation = tlsConversation(portOf(stack.sidecar), both)
        const response = await conversation
          .send(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
          .toItsEnd()
        if (response.endsWith('ok')) outcomes.served += 1
        else outcomes.failed.push(conversation.ending)
      }
    }
    const clients = Array.from({ length: CLIENTS }, client)
    try {
      for (let i = 0; i < ROTATIONS && outcomes.failed.length === 0; i++) {
        const next = i % 2 === 0 ? two : one
        await secret.swap(next)
        await eventually('the new certificate', () => certificate.pair.cert === next.cert)
        const enough = outcomes.served + 2 * CLIENTS
        await eventually('connections with it', () => outcomes.served > enough || outcomes.failed.length > 0)
      }
    } finally {
      isOver = true
    }
    await Promise.all(clients)
    assert.deepEqual(outcomes.failed, [])
    assert.ok(outcomes.served > ROTATIONS * CLIENTS)
    assert.equal(certificate.counters.reloadFailures, 0)
  })

  it('leave open connections alone', async () => {
    await using secret = await secretDirectory(one)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    using client = tlsConversation(portOf(stack.sidecar), one)
    await client.send(GET).hears('ok')
    await secret.swap(two)
    await certificateOf(stack.sidecar).look()
    client.received = ''
    await client.send(GET).hears('ok')
    assert.equal(await servedBy(portOf(stack.sidecar), two), true)
    assert.equal(await servedBy(portOf(stack.sidecar), one), false)
  })

  it('that are replaced one after the other are no failure', async () => {
    await using secret = await secretDirectory(one)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const certificate = certificateOf(stack.sidecar)
    // Synchronous: the time that a mismatch may last cannot pass in between.
    const replace = (path: string, text: string) => {
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
    replace(secret.certificate, two.cert)
    await certificate.look()
    replace(secret.key, two.key)
    await certificate.look()
    assert.equal(certificate.pair.cert, two.cert)
    assert.equal(certificate.lastFailure, null)
    assert.equal(certificate.counters.reloadFailures, 0)
  })

  for (const [what, spoil, message] of [
    ['belong to two pairs', () => ({ cert: two.cert, key: one.key }), /does not belong to the certificate/],
    ['are no certificate', () => ({ cert: 'x', key: two.key }), /has no certificate/],
    ['are half a certificate', () => ({ ...two, cert: two.cert.slice(0, 300) }), /has no certificate/],
    ['are no key', () => ({ ...two, key: 'x' }), /no private key that can be read/],
  ] as const)
    it(`that ${what} are refused; the old pair is served, and the next good one is taken over`, async () => {
      await using secret = await secretDirectory(one)
      await using stack = await httpStack(responding(OK), tlsText(secret))
      const certificate = certificateOf(stack.sidecar)
      await secret.swap(spoil())
      await eventually('the refusal', () => certificate.lastFailure !== null)
      assert.match(certificate.lastFailure?.message ?? '', message)
      assert.equal(certificate.counters.reloadFailures, 1)
      assert.equal(await servedBy(portOf(stack.sidecar), one), true)
      await certificate.look()
      assert.equal(certificate.counters.reloadFailures, 1)
      await secret.swap(two)
      await eventually('the good pair', () => certificate.pair.cert === two.cert)
      assert.equal(certificate.lastFailure, null)
      assert.equal(await servedBy(portOf(stack.sidecar), two), true)
    })

  it('that have expired are refused', async () => {
    await using secret = await secretDirectory(one)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const certificate = certificateOf(stack.sidecar)
    await secret.swap(await makePair('200101', '210101'))
    await eventually('the refusal', () => certificate.lastFailure !== null)
    assert.match(certificate.lastFailure?.message ?? '', /expired at 2021-01-01/)
    assert.equal(await servedBy(portOf(stack.sidecar), one), true)
  })
})

describe('a sidecar process', () => {
  it('says once in its log, in /routes and in a metric that a new pair is bad, and that the next one is good', async () => {
    await using secret = await secretDirectory(one)
    await using directory = await tempDirectory()
    await writeFile(
      directory.at('sidecar.yaml'),
      `{ops: "tcp://127.0.0.1:0", routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere", ${tlsText(secret)}}]}`,
    )
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: directory.at('sidecar.yaml') })
    const ops = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') } as const
    const page = async (path: string) => `${(await request(ops, { path })).body}`
    await secret.swap({ cert: two.cert, key: one.key })
    const refused = 'the new certificate is refused, the old one stays in use'
    await eventually('the refusal', () => sidecar.log().includes(refused))
    assert.match(await page('/metrics'), /^sidecar_tls_last_reload_successful\{route="a"\} 0$/m)
    assert.match(await page('/metrics'), /^sidecar_tls_reload_failures_total\{route="a"\} 1$/m)
    const { lastError } = JSON.parse(await page('/routes')).routes[0].tls
    assert.match(lastError.detail, /does not belong/)
    assert.match(await page('/'), /new certificate refused/)
    sidecar.child.kill('SIGHUP') // looks again, at the same files
    await eventually('the reload', () => sidecar.log().includes('the new configuration is active'))
    await secret.swap(two)
    await eventually('the good pair', () => sidecar.log().includes('the new certificate is in use'))
    assert.match(await page('/metrics'), /^sidecar_tls_last_reload_successful\{route="a"\} 1$/m)
    assert.equal(sidecar.log().split(refused).length, 2)
  })

  it('finds a new pair at SIGHUP where no watch can see it: a directory above was swapped', async () => {
    await using base = await tempDirectory()
    for (const [name, pair] of [
      ['1', one],
      ['2', two],
    ] as const) {
      await mkdir(base.at(name))
      await writeFile(base.at(`${name}/crt`), pair.cert)
      await writeFile(base.at(`${name}/key`), pair.key)
    }
    await symlink('1', base.at('current'))
    await using _ = await respondingServer(base.at('u'), 'ok')
    await using sidecar = sidecarProcess({
      SIDECAR_LISTEN: 'tcp://127.0.0.1:0',
      SIDECAR_UPSTREAM: `unix:${base.at('u')}`,
      SIDECAR_CERTIFICATE: base.at('current/crt'),
      SIDECAR_KEY: base.at('current/key'),
    })
    const port = await sidecar.port('main')
    assert.equal(await servedBy(port, one), true)
    await symlink('2', base.at('next'))
    await rename(base.at('next'), base.at('current'))
    sidecar.child.kill('SIGHUP')
    await eventually('the reload', () => sidecar.log().includes('the new configuration is active'))
    assert.match(sidecar.log(), /the new certificate is in use/)
    assert.equal(await servedBy(port, two), true)
  })

  it('starts with an expired certificate, warns, and clients see that it has expired', async () => {
    const old = await makePair('200101', '210101')
    await using secret = await secretDirectory(old)
    await using sidecar = sidecarProcess({
      SIDECAR_LISTEN: 'tcp://127.0.0.1:0',
      SIDECAR_UPSTREAM: 'unix:/nowhere',
      SIDECAR_CERTIFICATE: secret.certificate,
      SIDECAR_KEY: secret.key,
    })
    using client = tlsConversation(await sidecar.port('main'), old)
    await client.toItsEnd()
    assert.equal(client.ending, 'CERT_HAS_EXPIRED')
    assert.match(sidecar.log(), /"level":"warn".*the certificate has expired/)
  })
})
