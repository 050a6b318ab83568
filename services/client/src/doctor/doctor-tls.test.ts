import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Authority, type Issued, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { callClient } from '../testing/call-client.ts'
import { assertFinding, doctor, type Examined } from '../testing/examine.ts'
import { onPort, refusing, serveHttps, serveTlsEcho } from '../testing/tls-server.ts'
import type { FindingName } from './diagnosis.ts'

let ca: Authority
let stranger: Authority
let server: KeyPair
let own: KeyPair
before(async () => {
  ca = await Authority.create()
  stranger = await Authority.create('Stranger')
  server = await ca.issue()
  own = await ca.issue({ name: 'me' })
  await writeFile(ca.at('token'), 'correct-horse-battery-staple')
})
after(async () => {
  await ca[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
})

const trusting = (...more: string[]) => ['--cacert', ca.certFile, ...more]
const mutual = (pair: KeyPair) => trusting('--cert', pair.certFile, '--key', pair.keyFile)
const withToken = () => trusting('--token-file', ca.at('token'))

/** The diagnosis of an HTTPS server with this certificate. */
async function doctorOf(options: TlsOptions, ...args: string[]): Promise<Examined> {
  await using https = await serveHttps(options)
  return await doctor(https.endpoint, ...args)
}

function assertSays(examined: Examined, name: FindingName, code: string, message: RegExp, fix: string): void {
  const exitCode = code.startsWith('tls_') && code !== 'tls_required' ? 69 : (EXITS[code] ?? 69)
  assertFinding(examined, { verdict: name, code, exitCode, fix })
  assert.match(examined.finding?.message ?? '', message)
}

const EXITS: Readonly<Record<string, number>> = {
  tls_required: 64,
  unauthenticated: 77,
  bad_credentials: 77,
  not_permitted: 77,
  too_many_attempts: 77,
}

describe('doctor, of the certificate of a server', () => {
  it('that is good, shows version, subject, issuer and last day', async () => {
    const { verdict, steps } = await doctorOf(server, ...trusting())
    assert.equal(verdict, 'live')
    const step = steps.find(({ subject }) => subject === 'tls')
    assert.equal(step?.state, 'ok')
    assert.match(step?.said ?? '', /^TLSv1\.3 in .*CN=test from CN=Test CA, until 2048-01-01T00:00:00.000Z$/)
  })

  it('that has expired, says when', async () => {
    const examined = await doctorOf(await ca.issue({ to: '240102030405Z' }), ...trusting())
    assertSays(examined, 'certificate_expired', 'tls_expired', /expired at 2024-01-02T03:04:05/, 'renew')
  })

  it('that is not valid yet, says from when', async () => {
    const examined = await doctorOf(await ca.issue({ from: '470102030405Z' }), ...trusting())
    assertSays(examined, 'certificate_not_yet_valid', 'tls_expired', /before 2047-01-02T03:04:05/, 'date -u')
  })

  it('from another CA, names the issuer and --cacert', async () => {
    const examined = await doctorOf(await stranger.issue(), ...trusting())
    assertSays(examined, 'certificate_untrusted', 'tls_untrusted', /CN=Stranger/, '--cacert FILE')
  })

  it('that is self-signed, says so', async () => {
    const examined = await doctorOf(await ca.selfSigned({ name: 'alone' }), '--tls')
    assertSays(examined, 'certificate_self_signed', 'tls_untrusted', /self-signed: CN=alone/, '--cacert FILE')
  })

  it('that is for clients alone, says so', async () => {
    const pair = await ca.issue({ extensions: ['extendedKeyUsage=clientAuth'] })
    assertSays(
      await doctorOf(pair, ...trusting()),
      'certificate_untrusted',
      'tls_untrusted',
      /purpose/,
      'anew',
    )
  })

  it('with another name, lists its names', async () => {
    const examined = await doctorOf(await ca.issue({ names: 'DNS:a.example,DNS:b.example' }), ...trusting())
    const fix = '--servername NAME'
    assertSays(examined, 'certificate_wrong_name', 'tls_name_mismatch', /DNS:a\.example, DNS:b\.example/, fix)
  })

  for (const [when, days, state, says] of [
    ['within 14 days', 13.5, 'note', /it expires in 13 days/],
    ['today', 0.5, 'note', /it expires within a day/],
    ['later', 15, 'ok', /until/],
  ] as const)
    it(`that expires ${when}, is ${state === 'note' ? 'a warning' : 'none'}`, async () => {
      const to = new Date(Date.now() + days * 86_400_000).toISOString()
      const pair = await ca.issue({ to: `${to.slice(2, 19).replaceAll(/[-:T]/g, '')}Z` })
      const { verdict, steps, processExitCode } = await doctorOf(pair, ...trusting())
      const step = steps.find(({ subject }) => subject === 'tls')
      assert.deepEqual([verdict, processExitCode, step?.state], ['live', 0, state])
      assert.match(step?.said ?? '', says)
    })

  it('whose texts are hostile, is safe for a terminal', async () => {
    const evil: Issued = { name: 'x\u001b[31m\u202ey', names: 'DNS:a\u0007b' }
    for (const pair of [await stranger.issue(evil), await ca.issue(evil)]) {
      await using https = await serveHttps(pair)
      const { stdout } = await callClient(['doctor', https.endpoint, ...trusting()])
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
    }
  })
})

describe('doctor, of a server that wants a certificate', () => {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const asking = (): TlsOptions => ({
      ...server,
      requestCert: true,
      ca: ca.cert,
      maxVersion: version,
      minVersion: 'TLSv1.2',
    })

    it(`and gets a good one, over ${version}, is live`, async () => {
      assert.equal((await doctorOf(asking(), ...mutual(own))).verdict, 'live')
    })

    it(`and gets none, over ${version}, says --cert`, async () => {
      const examined = await doctorOf(asking(), ...trusting())
      const name = version === 'TLSv1.3' ? 'client_certificate_missing' : 'tls_failed'
      assertSays(examined, name, 'tls_refused', /no TLS with/, '--cert FILE --key FILE')
    })

    it(`and gets one from another CA, over ${version}, says that it refuses it`, async () => {
      const examined = await doctorOf(asking(), ...mutual(await stranger.issue()))
      assertSays(examined, 'client_certificate_refused', 'tls_refused', /refuses/, 'openssl x509')
    })
  }

  it('and gets one that has expired, says that it refuses it', async () => {
    const examined = await doctorOf(
      { ...server, requestCert: true, ca: ca.cert },
      ...mutual(await ca.issue({ to: '240102030405Z' })),
    )
    assertSays(examined, 'client_certificate_refused', 'tls_refused', /refuses/, 'openssl x509')
  })
})

describe('doctor, of a server that wants to know who calls', () => {
  for (const [status, code, name, fix] of [
    [401, 'unauthenticated', 'credential_missing', '--token-file FILE'],
    [401, 'bad_credentials', 'credential_wrong', 'compare the token file'],
    [403, 'not_permitted', 'not_permitted', 'after `for`'],
    [429, 'too_many_attempts', 'too_many_attempts', 'wait a minute'],
  ] as const)
    it(`${status} ${code}, is ${name}`, async () => {
      await using https = await serveHttps(server, refusing(status, code))
      const args = code === 'unauthenticated' ? trusting() : withToken()
      assertSays(
        await doctor(https.endpoint, ...args),
        name,
        code,
        new RegExp(`${status}: .*it is ${code}`),
        fix,
      )
    })

  it('and responds with 401 alone to a token, says that the token is wrong', async () => {
    await using https = await serveHttps(server, (_request, response) => response.writeHead(401).end())
    const examined = await doctor(https.endpoint, ...withToken())
    assertFinding(examined, { verdict: 'credential_wrong', code: 'http_401', exitCode: 77, fix: 'rotation' })
  })

  it('and knows the token, is live', async () => {
    assert.equal((await doctorOf(server, ...withToken())).verdict, 'live')
  })
})

describe('doctor, of plain text and TLS that meet', () => {
  it('at a sidecar, which says tls_required', async () => {
    await using plain = await onPort(createHttpServer(refusing(400, 'tls_required')))
    const examined = await doctor(plain.endpoint)
    assertSays(examined, 'tls_required', 'tls_required', /speaks TLS, and was asked without/, '--cacert FILE')
  })

  it('at another server, which breaks off or sends an alert', async () => {
    await using https = await serveHttps(server)
    await using other = await onPort(createTlsServer(server, (socket) => socket.end()))
    await using echo = await serveTlsEcho(server)
    for (const [endpoint, ...more] of [
      [https.endpoint],
      [other.endpoint],
      [echo.endpoint, '--protocol', 'echo'],
    ] as const)
      assertSays(await doctor(endpoint, ...more), 'tls_required', 'tls_required', /speaks TLS/, '--tls')
  })

  it('at nginx, which says so in words', async () => {
    const says = '<h1>400 Bad Request</h1> The plain HTTP request was sent to HTTPS port'
    await using plain = await onPort(
      createHttpServer((_request, response) => response.writeHead(400).end(says)),
    )
    assertSays(await doctor(plain.endpoint), 'tls_required', 'tls_required', /speaks TLS/, '--cacert')
  })

  it('at a port that is plain', async () => {
    await using plain = await onPort(createHttpServer((_request, response) => response.end()))
    const examined = await doctor(plain.endpoint, ...trusting())
    assertSays(examined, 'no_tls', 'tls_refused', /does not speak TLS on this port/, 'correct the port')
  })

  it('at a port of lines that are plain', async () => {
    await using plain = await onPort(
      createNetServer((socket) => socket.on('error', () => socket.destroy()).end('220 hello\r\n')),
    )
    const examined = await doctor(plain.endpoint, ...trusting(), '--protocol', 'echo')
    assertSays(examined, 'no_tls', 'tls_refused', /does not speak TLS/, 'correct the port')
  })

  it('in a version that is too old', async () => {
    const old: TlsOptions = {
      ...server,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    }
    const examined = await doctorOf(old, ...trusting())
    assertSays(examined, 'tls_version', 'tls_refused', /no version of TLS in common/, 'TLS 1.2 or 1.3')
  })

  it('where the server breaks off in the handshake', async () => {
    await using broken = await onPort(
      createNetServer((socket) => socket.on('error', () => undefined).once('data', () => socket.destroy())),
    )
    const examined = await doctor(broken.endpoint, ...trusting())
    assertFinding(examined, { verdict: 'tls_failed', code: 'upstream_reset', exitCode: 69, fix: 'its log' })
  })

  it('where a socket is asked beside it, leaves TLS out for the socket', async () => {
    await using https = await serveHttps(server)
    const args = [
      'doctor',
      '--json',
      https.endpoint,
      'unix:@nobody-at-all',
      ...trusting(),
      '--timeout-ms',
      '60000',
    ]
    const { diagnoses } = JSON.parse((await callClient(args)).stdout)
    assert.deepEqual(
      diagnoses.map(({ verdict }: { verdict: string }) => verdict),
      ['live', 'name_missing'],
    )
  })
})
