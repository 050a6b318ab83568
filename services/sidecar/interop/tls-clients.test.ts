// What teams have already calls a route that tells its callers apart: curl, openssl, Python and Java, with a token, a
// password, a client certificate, or nothing. A real Prometheus (Go) does so in e2e/callers-are-told-apart.test.ts.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { type ClientStack, clientStack, TOKEN } from '../src/testing/clients.ts'
import { OK } from '../src/testing/http-stack.ts'
import { responding } from '../src/testing/raw-server.ts'
import { portOf } from '../src/testing/sidecar-with.ts'

const run = promisify(execFile)

interface Papers {
  readonly servers: Authority
  readonly clients: Authority
  readonly own: KeyPair
  readonly stranger: KeyPair
}

let papers: Papers
let stack: ClientStack
let url: string

before(async () => {
  const [servers, clients, others] = await Promise.all([
    Authority.create('Servers'),
    Authority.create('Clients'),
    Authority.create('Others'),
  ])
  const server = await servers.issue()
  const names = 'URI:spiffe://example.org/ns/monitoring/curl'
  papers = {
    servers,
    clients,
    own: await clients.issue({ names, extensions: ['extendedKeyUsage=clientAuth'] }),
    stranger: await others.issue({ names, extensions: ['extendedKeyUsage=clientAuth'] }),
  }
  const tls = `tls: {certificate: ${server.certFile}, key: ${server.keyFile}, clientCa: ${clients.certFile}}`
  const plain = await clientStack('allow: [GET /a]', { behaviour: responding(OK) })
  stack = plain
  const mesh = 'mesh: {certificate: "spiffe://example.org/ns/monitoring/*"}'
  await plain.apply(`${tls}, allow: [GET /a for prometheus grafana mesh, GET /b for operator]`, '', mesh)
  url = `https://localhost:${portOf(stack.sidecar, 'web')}`
})

after(async () => {
  await stack[Symbol.asyncDispose]()
  await Promise.all([papers.servers, papers.clients].map((authority) => authority[Symbol.asyncDispose]()))
})

/** A client of HTTPS. @returns the status, or `failed` */
type Fetch = (path: string, ca: string, ...identity: string[]) => Promise<string>

const curl =
  (...version: string[]): Fetch =>
  async (path, ca, ...identity) => {
    const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', ca, ...version]
    const own = identity.flatMap((each, i) =>
      identity[i - 1] === '--token'
        ? [`Authorization: Bearer ${each}`]
        : each === '--token'
          ? ['-H']
          : [each],
    )
    const { stdout } = await run('curl', [...args, ...own, `${url}${path}`]).catch((error) => error)
    return stdout === '000' ? 'failed' : stdout
  }

const program =
  (command: string, ...first: string[]): Fetch =>
  async (path, ca, ...identity) => {
    const { stdout } = await run(command, [...first, `${url}${path}`, ca, ...identity])
    return stdout.split(' ', 1)[0] ?? ''
  }

const HERE = import.meta.dirname
const CLIENTS: Readonly<Record<string, Fetch>> = {
  'curl with TLS 1.2': curl('--tls-max', '1.2'),
  'curl with TLS 1.3': curl('--tlsv1.3'),
  Python: program('python3', join(HERE, 'fetch.py')),
  Java: program('java', join(HERE, 'Fetch.java')),
}

for (const [name, fetch] of Object.entries(CLIENTS)) {
  describe(name, () => {
    const certificate = ({ certFile, keyFile }: KeyPair) => ['--cert', certFile, '--key', keyFile]

    it('with a token is served', async () => {
      assert.equal(await fetch('/a', papers.servers.certFile, '--token', TOKEN), '200')
    })

    it('with a client certificate is served', async () => {
      assert.equal(await fetch('/a', papers.servers.certFile, ...certificate(papers.own)), '200')
    })

    it('without an identity gets 401', async () => {
      assert.equal(await fetch('/a', papers.servers.certFile), '401')
    })

    it('with the identity of somebody else gets 403', async () => {
      assert.equal(await fetch('/b', papers.servers.certFile, '--token', TOKEN), '403')
      assert.equal(await fetch('/b', papers.servers.certFile, ...certificate(papers.own)), '403')
    })

    it('with a certificate of another authority is not served', async () => {
      // Java presents none, because the sidecar names the authorities that it knows (RFC 8446 section 4.2.4).
      const expected = name === 'Java' ? '401' : 'failed'
      assert.equal(await fetch('/a', papers.servers.certFile, ...certificate(papers.stranger)), expected)
    })

    it('does not trust a sidecar of another authority', async () => {
      assert.equal(await fetch('/a', papers.clients.certFile, '--token', TOKEN), 'failed')
    })
  })
}

describe('curl with a password', () => {
  it('is served, and refused with another one', async () => {
    const fetch = curl('--tlsv1.3')
    assert.equal(await fetch('/a', papers.servers.certFile, '-u', 'grafana:open sesame'), '200')
    assert.equal(await fetch('/a', papers.servers.certFile, '-u', 'grafana:wrong'), '401')
  })
})

describe('openssl s_client', () => {
  for (const version of ['-tls1_2', '-tls1_3'])
    it(`${version} verifies the sidecar, presents its certificate, and is served`, async () => {
      const { certFile, keyFile } = papers.own
      const address = url.replace('https://', '')
      const trust = [
        '-CAfile',
        papers.servers.certFile,
        '-verify_return_error',
        '-verify_hostname',
        'localhost',
      ]
      const own = ['-cert', certFile, '-key', keyFile]
      const child = spawn('openssl', ['s_client', '-connect', address, '-quiet', version, ...trust, ...own])
      child.stdin.end('GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      assert.match(await text(child.stdout), /^HTTP\/1\.1 200 /)
    })
})
