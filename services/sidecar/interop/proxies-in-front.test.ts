/**
 * Proxies that teams have in front of the sidecar: HAProxy with the PROXY protocol and with X-Forwarded-For, nginx with
 * X-Forwarded-For; and nginx behind it, which reads the field with its realip module. On Debian:
 * `apt-get install haproxy nginx-light curl`. The proxies connect from 127.0.0.1, the clients from 127.0.0.7.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually, eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar } from '../src/sidecar/sidecar.ts'
import { makePair, secretDirectory, tlsText } from '../src/testing/certificates.ts'
import { httpStack } from '../src/testing/http-stack.ts'
import { mirror, rawServer } from '../src/testing/raw-server.ts'
import { portOf, sidecarWith } from '../src/testing/sidecar-with.ts'
import { run, startProcess } from './started-process.ts'

const CLIENT = '127.0.0.7'
const BEHIND = 'trustedProxies: [127.0.0.1, unix]'
const TIMES = 'timeout connect 2s\n timeout client 5s\n timeout server 5s'

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await server[Symbol.asyncDispose]()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** HAProxy with one server. @returns where it listens */
async function haproxy(directory: TempDirectory, mode: 'tcp' | 'http', server: string, more = '') {
  const port = await freePort()
  const config = directory.at('haproxy.cfg')
  await writeFile(
    config,
    `defaults\n mode ${mode}\n ${TIMES}\nlisten l\n bind 127.0.0.1:${port}\n ${more}\n server s ${server}\n`,
  )
  const child = spawn('haproxy', ['-db', '-q', '-f', config], { stdio: ['ignore', 'ignore', 'ignore'] })
  const ended = once(child, 'exit')
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function nginx(directory: TempDirectory, server: string, socket: string) {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = kinds.map((name) => `${name}_temp_path ${directory.at(name)};`).join(' ')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const http = `http { access_log off; ${temporary} server { ${server} } }`
  const text = `${user} daemon off; worker_processes 1; pid ${directory.at('pid')}; error_log stderr crit; events {} ${http}`
  await writeFile(directory.at('nginx.conf'), text)
  return startProcess('nginx', ['-e', 'stderr', '-c', directory.at('nginx.conf')], socket)
}

/** What the upstream was told, as seen by a client with this address. */
function ask(url: string, ...args: string[]): Promise<string> {
  return run('curl', '-sS', '--interface', CLIENT, '--max-time', '5', ...args, url)
}

/** HAProxy needs a moment until it listens. */
function tells(url: string, expected: RegExp, ...args: string[]): Promise<void> {
  return eventuallyPasses(async () => assert.match(await ask(url, ...args), expected))
}

function failures({ routes }: Sidecar) {
  return [...(routes[0]?.counters.proxyHeaderFailures ?? [])].filter(([, count]) => count > 0)
}

describe('behind HAProxy with send-proxy-v2', () => {
  for (const options of [
    '',
    'proxy-v2-options crc32c',
    'proxy-v2-options crc32c,unique-id,authority,cert-cn,ssl',
  ])
    it(`an HTTP route knows the client${options && `, with ${options}`}`, async () => {
      await using directory = await tempDirectory()
      await using stack = await httpStack(mirror, `${BEHIND}, proxyProtocol: v2`)
      const more = options.includes('unique-id') ? 'unique-id-format %[uuid()]' : ''
      await using proxy = await haproxy(
        directory,
        'tcp',
        `127.0.0.1:${portOf(stack.sidecar)} send-proxy-v2 ${options}`,
        more,
      )
      await tells(
        `http://127.0.0.1:${proxy.port}/a`,
        /X-Forwarded-For: 127\.0\.0\.7\r\nX-Forwarded-Proto: http\r\n/,
      )
      assert.deepEqual(failures(stack.sidecar), [])
    })

  it('its health checks, which are LOCAL, are accepted', async () => {
    await using directory = await tempDirectory()
    await using stack = await httpStack(mirror, `${BEHIND}, proxyProtocol: v2`)
    const server = `127.0.0.1:${portOf(stack.sidecar)} send-proxy-v2 proxy-v2-options crc32c check inter 50ms`
    await using _proxy = await haproxy(directory, 'tcp', server)
    await eventually('some checks', () => (stack.sidecar.routes[0]?.counters.connectionsTotal ?? 0) > 3)
    assert.deepEqual(failures(stack.sidecar), [])
  })

  it('a route with TLS knows the client: the header comes before the handshake', async () => {
    const pair = await makePair()
    await using directory = await tempDirectory()
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(mirror, `${BEHIND}, proxyProtocol: v2, ${tlsText(secret)}`)
    await using proxy = await haproxy(directory, 'tcp', `127.0.0.1:${portOf(stack.sidecar)} send-proxy-v2`)
    await tells(
      `https://127.0.0.1:${proxy.port}/a`,
      /X-Forwarded-For: 127\.0\.0\.7\r\nX-Forwarded-Proto: https/,
      '-k',
    )
  })

  it('a route on a Unix socket trusts it by its uid, and a stream route counts its clients', async () => {
    await using directory = await tempDirectory()
    await using _server = await rawServer(directory.at('u'), (socket) => socket.end('hello\n'))
    await using sidecar = await sidecarWith(
      `routes: [{name: s, kind: stream, listen: "unix:${directory.at('s')}", upstream: "unix:${directory.at('u')}",
        trustedProxies: ["uid:${process.getuid?.()}"], proxyProtocol: v2, limits: {connectionsPerAddress: 1}}]`,
    )
    await using proxy = await haproxy(directory, 'tcp', `unix@${directory.at('s')} send-proxy-v2`)
    await eventuallyPasses(async () => assert.equal(await ask(`telnet://127.0.0.1:${proxy.port}`), 'hello\n'))
    assert.deepEqual(failures(sidecar), [])
  })

  it('and with send-proxy, which is version 1, no request gets through', async () => {
    await using directory = await tempDirectory()
    await using stack = await httpStack(mirror, `${BEHIND}, proxyProtocol: v2`)
    await using proxy = await haproxy(directory, 'tcp', `127.0.0.1:${portOf(stack.sidecar)} send-proxy`)
    await eventually('a connection to be closed', async () => {
      await ask(`http://127.0.0.1:${proxy.port}/a`).catch(() => undefined)
      return failures(stack.sidecar).length > 0
    })
    assert.deepEqual(
      failures(stack.sidecar).map(([reason]) => reason),
      ['version_1'],
    )
    assert.equal(stack.connections.length, 0)
  })
})

describe('behind HAProxy with option forwardfor', () => {
  it('the client is the one that HAProxy saw, whatever the client says', async () => {
    await using directory = await tempDirectory()
    await using stack = await httpStack(mirror, BEHIND)
    const more = 'option forwardfor\n http-request set-header X-Forwarded-Proto https'
    await using proxy = await haproxy(directory, 'http', `127.0.0.1:${portOf(stack.sidecar)}`, more)
    const expected = /X-Forwarded-For: 127\.0\.0\.7, 127\.0\.0\.1\r\nX-Forwarded-Proto: https\r\n/
    await tells(`http://127.0.0.1:${proxy.port}/a`, expected)
    for (const spoofed of ['127.0.0.1', '198.51.100.1, 127.0.0.1', 'unknown', '"'])
      assert.match(
        await ask(`http://127.0.0.1:${proxy.port}/a`, '-H', `X-Forwarded-For: ${spoofed}`),
        expected,
      )
  })
})

describe('behind nginx', () => {
  it('on a Unix socket the client is the one that nginx saw', async () => {
    await using directory = await tempDirectory()
    await using _app = await rawServer(directory.at('u'), (socket) => {
      const dialogue = { socket, received: '' }
      socket.on('data', (chunk) => {
        dialogue.received += chunk.toString('latin1')
        mirror(dialogue)
      })
    })
    await using _sidecar = await sidecarWith(
      `routes: [{name: a, kind: http, listen: "unix:${directory.at('s')}", upstream: "unix:${directory.at('u')}", allow: [GET /a], ${BEHIND}}]`,
    )
    const port = await freePort()
    const fields =
      'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;'
    const location = `location / { proxy_pass http://unix:${directory.at('s')}:; ${fields} }`
    await using _nginx = await nginx(
      directory,
      `listen 127.0.0.1:${port}; listen unix:${directory.at('n')}; ${location}`,
      directory.at('n'),
    )
    const url = `http://127.0.0.1:${port}/a`
    assert.match(await ask(url), /X-Forwarded-For: 127\.0\.0\.7\r\nX-Forwarded-Proto: http\r\n/)
    assert.match(await ask(url, '-H', 'X-Forwarded-For: 127.0.0.1'), /X-Forwarded-For: 127\.0\.0\.7\r\n/)
  })
})

it('an app that reads X-Forwarded-For with the realip module of nginx sees the client', async () => {
  await using directory = await tempDirectory()
  const realIp =
    'set_real_ip_from unix:; set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; real_ip_recursive on;'
  await using _app = await nginx(
    directory,
    `listen unix:${directory.at('u')}; ${realIp} location / { return 200 "$remote_addr"; }`,
    directory.at('u'),
  )
  await using sidecar = await sidecarWith(
    `routes: [{name: a, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", allow: [GET /a], ${BEHIND}}]`,
  )
  const from = (field: string) =>
    run('curl', '-sS', '-H', `X-Forwarded-For: ${field}`, `http://127.0.0.1:${portOf(sidecar)}/a`)
  assert.equal(await from('198.51.100.1, 203.0.113.7'), '203.0.113.7')
  assert.equal(await from('203.0.113.7, unknown'), '127.0.0.1')
})
