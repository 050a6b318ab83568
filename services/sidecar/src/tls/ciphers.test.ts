import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { makePair, secretDirectory, type TestPair, tlsText } from '../testing/certificates.ts'
import { httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { portOf } from '../testing/sidecar-with.ts'

/** With an RSA key a client could ask for RSA key transport. */
async function rsaPair(): Promise<TestPair> {
  await using directory = await tempDirectory('rsa-')
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '36500', ...made, ...names], {
    cwd: directory.path,
  })
  const [cert, key] = await Promise.all(
    ['cert.pem', 'key.pem'].map((name) => readFile(directory.at(name), 'utf8')),
  )
  return { cert: cert ?? '', key: key ?? '' }
}

/** What is agreed on with a client of TLS 1.2 that offers one cipher; `refused` when nothing is. */
function agreed(port: number, { cert }: TestPair, cipher: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: cert,
    maxVersion: 'TLSv1.2',
    ciphers: `${cipher}:@SECLEVEL=0`,
  })
  socket.once('secureConnect', () => resolve(socket.getCipher().name)).on('error', () => resolve('refused'))
  return promise.finally(() => socket.destroy())
}

let pairs: Readonly<Record<'RSA' | 'ECDSA', TestPair>>
before(async () => {
  pairs = { RSA: await rsaPair(), ECDSA: await makePair() }
})

describe('TLS 1.2', () => {
  for (const [key, cipher, isSpoken] of [
    ['RSA', 'ECDHE-RSA-AES128-GCM-SHA256', true],
    ['RSA', 'ECDHE-RSA-AES256-GCM-SHA384', true],
    ['RSA', 'ECDHE-RSA-CHACHA20-POLY1305', true],
    ['ECDSA', 'ECDHE-ECDSA-AES128-GCM-SHA256', true],
    ['ECDSA', 'ECDHE-ECDSA-CHACHA20-POLY1305', true],
    ['RSA', 'AES128-GCM-SHA256', false],
    ['RSA', 'AES256-SHA', false],
    ['RSA', 'ECDHE-RSA-AES128-SHA', false],
    ['RSA', 'ECDHE-RSA-AES256-SHA384', false],
    ['ECDSA', 'ECDHE-ECDSA-AES128-SHA256', false],
  ] as const)
    it(`with ${cipher} is ${isSpoken ? 'spoken' : 'refused, and counted'}`, async () => {
      const pair = pairs[key]
      await using secret = await secretDirectory(pair)
      await using stack = await httpStack(responding(OK), tlsText(secret))
      assert.equal(await agreed(portOf(stack.sidecar), pair, cipher), isSpoken ? cipher : 'refused')
      const failures = stack.sidecar.routes[0]?.tls?.counters.handshakeFailures
      await eventually('it to be counted', () => failures?.get('cipher') === (isSpoken ? 0 : 1))
    })
})
