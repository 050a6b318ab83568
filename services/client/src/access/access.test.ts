import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { loadConfig } from '../config.ts'
import { callClient } from '../testing/call-client.ts'
import { startSmallStack } from '../testing/small-stack.ts'
import { serveHttps, serveTlsEcho } from '../testing/tls-server.ts'
import { look, targetsOf } from '../watch/target.ts'
import { stackAccess } from './access.ts'

const TOKEN = 'correct-horse-battery-staple'

let ca: Authority
let server: KeyPair
let own: KeyPair
before(async () => {
  ca = await Authority.create()
  server = await ca.issue()
  own = await ca.issue({ name: 'me' })
  await writeFile(ca.at('token'), `${TOKEN}\n`)
})
after(() => ca[Symbol.asyncDispose]())

const trusting = (...more: string[]) => ['--cacert', ca.certFile, '--timeout-ms', '60000', ...more]

describe('a command over TLS', () => {
  it('trusts the CA of --cacert, and sends the token and the host of the endpoint', async () => {
    await using https = await serveHttps(server)
    const args = ['visit', https.endpoint, '--json', ...trusting('--token-file', ca.at('token'))]
    const { exitCode, stdout } = await callClient(args)
    assert.deepEqual([exitCode, stdout], [0, '{"visits":7}\n'])
    const [request] = https.requests
    assert.equal(request?.headers.authorization, `Bearer ${TOKEN}`)
    assert.equal(`tcp://${request?.headers.host}`, https.endpoint)
  })

  it('presents the certificate of --cert', async () => {
    await using https = await serveHttps(
      { ...server, requestCert: true, ca: ca.cert },
      (_request, response) => response.end('m 1\n'),
    )
    const args = ['metrics', https.endpoint, '--raw', '--cert', own.certFile, '--key', own.keyFile]
    const { exitCode, stdout } = await callClient([...args, ...trusting()])
    assert.deepEqual([exitCode, stdout], [0, 'm 1\n'])
  })

  it('verifies the name of --servername', async () => {
    await using https = await serveHttps(await ca.issue({ names: 'DNS:api.example' }))
    const right = await callClient(['status', https.endpoint, ...trusting('--servername', 'api.example')])
    assert.equal(right.exitCode, 0)
    const wrong = await callClient(['status', https.endpoint, ...trusting('--servername', 'b.example')])
    assert.equal(wrong.exitCode, 69)
    assert.match(wrong.stderr, /^client: tls_name_mismatch: .*api\.example/)
  })

  it('with --tls trusts the CAs of the system, and no others', async () => {
    await using https = await serveHttps(server)
    const { exitCode, stderr } = await callClient([
      'status',
      https.endpoint,
      '--tls',
      '--timeout-ms',
      '60000',
    ])
    assert.equal(exitCode, 69)
    assert.match(stderr, /^client: tls_untrusted: .*CN=Test CA/)
  })

  it('echoes lines, of an option and of stdin', async () => {
    await using echo = await serveTlsEcho(server)
    const one = await callClient(['echo', echo.endpoint, '-m', 'ping', ...trusting()])
    assert.equal(one.stdout, 'echo: ping\n')
    const two = await callClient(['echo', echo.endpoint, ...trusting()], { input: 'a\nb\n' })
    assert.equal(two.stdout, 'echo: a\necho: b\n')
  })

  it('does not follow a redirect, so that the token goes nowhere else', async () => {
    await using other = await serveHttps(server)
    const location = other.endpoint.replace('tcp:', 'https:')
    await using https = await serveHttps(server, (_request, response) =>
      response.writeHead(307, { location }).end(),
    )
    const args = ['status', https.endpoint, ...trusting('--token-file', ca.at('token'))]
    const { exitCode, stderr } = await callClient(args)
    assert.equal(exitCode, 69)
    assert.match(stderr, /http_307/)
    assert.equal(other.requests.length, 0)
  })
})

describe('a command through the stack', () => {
  it('speaks TLS to the ports of --tls-for, and plain to the others and to sockets', async () => {
    await using stack = await startSmallStack()
    await using https = await serveHttps(server, (_request, response) => response.end('app_build_info{} 1\n'))
    const env = { ...stack.env, CLIENT_TCP_METRICS: https.endpoint }
    const rowsWith = async (...options: string[]) => {
      const { checks } = JSON.parse((await callClient(['exercise', '--json', ...options], { env })).stdout)
      const ofPort = (one: { endpoint: string; what: string }) => !one.what.includes('not on the allow list')
      const failed = checks.filter((one: { result: string }) => one.result === 'differs').filter(ofPort)
      return new Set(failed.map((one: { endpoint: string }) => one.endpoint))
    }
    assert.ok((await rowsWith()).has(https.endpoint))
    assert.deepEqual(await rowsWith('--cacert', ca.certFile, '--tls-for', 'metrics'), new Set())
  })

  it('looks at its targets in the same way, for watch', async () => {
    await using stack = await startSmallStack()
    await using https = await serveHttps(server)
    await using echo = await serveTlsEcho(server)
    const env = { ...stack.env, CLIENT_TCP_METRICS: https.endpoint, CLIENT_TCP_ECHO: echo.endpoint }
    const config = loadConfig(env)
    const access = await stackAccess(
      { tls: false, cacert: ca.certFile, 'tls-for': ['metrics', 'echo'], 'token-file': ca.at('token') },
      config,
    )
    const looks = await Promise.all(targetsOf(config, access).map((target) => look(target, 60_000)))
    assert.deepEqual(new Set(looks.map(({ state }) => state)), new Set(['up']))
    assert.equal(https.requests[0]?.headers.authorization, `Bearer ${TOKEN}`)
  })
})

describe('options that do not go together', () => {
  const CASES: [string, string[], RegExp][] = [
    ['--cert without --key', ['status', 'tcp://h:1', '--cert', 'f'], /--cert needs --key/],
    ['--key without --cert', ['status', 'tcp://h:1', '--key', 'f'], /--key needs --cert/],
    ['--servername without TLS', ['status', 'tcp://h:1', '--servername', 'n'], /--servername needs TLS/],
    ['--cacert for a socket', ['status', 'unix:/s', '--cacert', 'f'], /--cacert does not go with unix:\/s/],
    ['--tls for an abstract name', ['echo', 'unix:@n', '--tls'], /--tls does not go with unix:@n/],
    ['--tls-for alone', ['watch', '--tls-for', 'ops'], /neither TLS nor a token/],
    ['--tls-for of another name', ['exercise', '--tls', '--tls-for', 'db'], /--tls-for has "db"/],
    ['--tls-for with an endpoint', ['doctor', 'tcp://h:1', '--tls', '--tls-for', 'ops'], /no ENDPOINT/],
    ['an empty --cacert', ['status', 'tcp://h:1', '--cacert', ''], /--cacert is empty/],
    ['a token for a stream', ['echo', 'tcp://h:1', '--token-file', 'f'], /echo has no option --token-file/],
  ]
  for (const [what, args, says] of CASES)
    it(`${what}: is a usage error`, async () => {
      const { exitCode, stderr } = await callClient(args)
      assert.equal(exitCode, 64, stderr)
      assert.match(stderr, says)
    })
})

describe('a token', () => {
  for (const endpoint of [
    'tcp://192.0.2.1:80',
    'tcp://api.example:80',
    'tcp://127.1:80',
    'tcp://[2001:db8::1]:80',
  ])
    it(`does not go unencrypted to ${endpoint}`, async () => {
      for (const command of ['status', 'metrics', 'visit', 'doctor']) {
        const { exitCode, stderr } = await callClient([command, endpoint, '--token-file', ca.at('token')])
        assert.equal(exitCode, 64)
        assert.match(stderr, /would send the token unencrypted/)
      }
    })

  it('does not go unencrypted to a port of the stack, and nothing is sent at all', async () => {
    await using stack = await startSmallStack()
    const env = { ...stack.env, CLIENT_OPS: 'tcp://192.0.2.1:9901' }
    for (const command of ['exercise', 'watch', 'doctor']) {
      const { exitCode, stderr, stdout } = await callClient([command, '--token-file', ca.at('token')], {
        env,
      })
      assert.equal(exitCode, 64)
      assert.equal(stdout, '')
      assert.match(stderr, /unencrypted to tcp:\/\/192\.0\.2\.1:9901/)
    }
  })

  it('goes to a loopback port and to a socket', async () => {
    await using stack = await startSmallStack()
    for (const way of [[], ['--tcp']]) {
      const args = ['status', ...way, '--token-file', ca.at('token')]
      assert.equal((await callClient(args, { env: stack.env })).exitCode, 0)
    }
  })

  for (const [what, text, says] of [
    ['empty', '', /is empty/],
    ['only a line feed', '\n', /is empty/],
    ['too short', 'secret-15-bytes', /has only 15 bytes/],
    ['of two lines', `${TOKEN}\n${TOKEN}\n`, /line break/],
    ['with two line feeds at its end', `${TOKEN}\n\n`, /line break/],
    ['that ends with CR LF', `${TOKEN}\r\n`, /line break/],
    ['with a space', `${TOKEN} x`, /space/],
    ['with an escape sequence', `${TOKEN}\u001b[31m`, /control character/],
    ['that never ends', 'x'.repeat(5_000), /has more than 4096 bytes/],
  ] as const)
    it(`${what}: is refused, and not shown`, async () => {
      await writeFile(ca.at('bad'), text)
      for (const more of [[], ['--json']]) {
        const { exitCode, stderr } = await callClient(['status', '--token-file', ca.at('bad'), ...more])
        assert.equal(exitCode, 78, stderr)
        assert.ok(stderr.includes(`--token-file ${ca.at('bad')}`))
        assert.match(stderr, says)
        if (text.trim() !== '') assert.ok(!stderr.includes(text.slice(0, 12)))
      }
    })
})

describe('a file of certificates', () => {
  const failing = async (...args: string[]) => {
    const { exitCode, stderr } = await callClient(['status', 'tcp://127.0.0.1:1', ...args])
    assert.equal(exitCode, 78, stderr)
    return stderr
  }

  it('that is missing, is named with its option', async () => {
    const missing = ca.at('missing')
    for (const option of ['--cacert', '--token-file'])
      assert.ok((await failing(option, missing)).includes(`${option} ${missing} cannot be read (ENOENT)`))
    const cert = await failing('--cert', missing, '--key', own.keyFile)
    assert.ok(cert.includes(`--cert ${missing} cannot be read`))
    const key = await failing('--cert', own.certFile, '--key', missing)
    assert.ok(key.includes(`--key ${missing} cannot be read`))
  })

  it('that is a directory, says so', async () => {
    assert.match(await failing('--cacert', ca.at('.')), /EISDIR.*\n.*name a file/)
  })

  it('without a certificate, is refused: nothing would be trusted', async () => {
    await writeFile(ca.at('garbage'), 'garbage')
    assert.match(await failing('--cacert', ca.at('garbage')), /no certificate in PEM form/)
  })

  it('with a damaged certificate, says which', async () => {
    const damaged = ca.cert.replace(/\n[^-]{10}/, '\nAAAAAAAAAA')
    await writeFile(ca.at('damaged'), `${ca.cert}${damaged}`)
    assert.match(await failing('--cacert', ca.at('damaged')), /certificate 2 in it cannot be read/)
  })

  it('with the key of another certificate, names both files', async () => {
    const stderr = await failing('--cert', own.certFile, '--key', server.keyFile)
    assert.ok(stderr.includes(`--key ${server.keyFile} does not go with --cert ${own.certFile}`), stderr)
  })

  it('instead of a key, is refused', async () => {
    assert.match(await failing('--cert', own.certFile, '--key', own.certFile), /no private key in PEM form/)
  })
})
