import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DROPPED_FIELDS } from '../http1/dropped-fields.ts'
import { type HttpStack, httpStack } from '../testing/http-stack.ts'
import { mirror } from '../testing/raw-server.ts'

/** The names, in lower case, of the fields that the upstream receives when a client sends `lines`. */
async function received(stack: HttpStack, ...lines: string[]): Promise<string[]> {
  const client = stack.open()
  client.send(['GET /a HTTP/1.1', 'Host: a', ...lines, 'X-Last: 1', '', ''].join('\r\n'))
  await client.hears('X-Request-Id: ')
  const [, head = ''] = client.received.split('\r\n\r\n')
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => line.replace(/:.*/s, '').toLowerCase())
}

const OURS = ['host', 'x-last', 'x-forwarded-for', 'x-forwarded-proto', 'x-request-id']

/** Names from servers, frameworks, proxies and vulnerability reports. */
const FORGED = [
  ...[
    'For',
    'Proto',
    'Protocol',
    'Host',
    'Port',
    'Prefix',
    'Server',
    'Scheme',
    'Ssl',
    'By',
    'Path',
    'Uri',
    'Method',
  ],
  ...['User', 'Groups', 'Email', 'Preferred-Username', 'Access-Token', 'Client-Cert', 'Tls-Client-Cert'],
  ...['Client-Ip', 'Client-Cert-Info', 'Context', 'Proxied', 'Host-Override', 'Anything'],
]
  .map((name) => `X-Forwarded-${name}`)
  .concat(
    [
      'Forwarded',
      'X-Forwarded',
      'Forwarded-For',
      'X-Real-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
      'Client-IP',
    ],
    ['X-Cluster-Client-IP', 'X-Envoy-External-Address', 'X-Original-Forwarded-For', 'Fastly-Client-IP'],
    ['Script-Name', 'Path-Info', 'X-Script-Name', 'X-Original-URL', 'X-Rewrite-URL', 'X-Original-Method'],
    ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Host', 'X-Original-URI'],
    [
      'Remote-User',
      'Remote-Groups',
      'Remote-Addr',
      'X-Remote-User',
      'X-Remote-Group',
      'X-Remote-Extra-Scopes',
    ],
    [
      'X-Auth-Request-User',
      'X-Auth-Request-Email',
      'X-WebAuth-User',
      'X-Authenticated-Userid',
      'Tailscale-User-Login',
    ],
    ['X-Goog-Authenticated-User-Email', 'CF-Access-Authenticated-User-Email', 'X-Amzn-Oidc-Identity'],
    ['X-MS-CLIENT-PRINCIPAL', 'X-SSL-Client-Verify', 'SSL-Client-Cert', 'Client-Cert', 'Client-Cert-Chain'],
    ['X-Client-Cert', 'X-ARR-ClientCert', 'X-Scheme', 'X-Url-Scheme', 'Front-End-Https', 'X-Host', 'Proxy'],
    [
      'X-Accel-Mapping',
      'X-Sendfile-Type',
      'X-Middleware-Subrequest',
      'Auth-Type',
      'Request-Uri',
      'Server-Name',
    ],
  )

describe('fields that tell a server its prefix, the user, or the origin of a request', () => {
  it('are not forwarded', async () => {
    await using stack = await httpStack(mirror, 'limits: {fields: 256, headBytes: 64KiB}')
    assert.deepEqual(await received(stack, ...FORGED.map((name) => `${name}: /public`)), OURS)
  })

  it('are not forwarded in another case, or with another character for -', async () => {
    await using stack = await httpStack(mirror, 'limits: {fields: 1024, headBytes: 64KiB}')
    for (const other of ['_', '.', '~', '!', '*', '|', "'"]) {
      const lines = FORGED.map((name) => `${name.replaceAll('-', other).toUpperCase()}: /public`)
      assert.deepEqual(await received(stack, ...lines), OURS, other)
    }
  })

  it('are all in the table of the README', () => {
    const patterns = DROPPED_FIELDS.flatMap(({ names }) => names)
    const isListed = (name: string) =>
      patterns.some((pattern) =>
        pattern.endsWith('*')
          ? name.toLowerCase().startsWith(pattern.slice(0, -1).toLowerCase())
          : pattern.toLowerCase() === name.toLowerCase(),
      )
    assert.deepEqual(
      FORGED.filter((name) => !isListed(name)),
      [],
    )
  })

  it('are not forwarded as trailers either', async () => {
    await using stack = await httpStack((dialogue) => {
      if (dialogue.received.endsWith('\r\n\r\n') && dialogue.received.includes('\r\n0\r\n'))
        dialogue.socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: ${dialogue.received.length}\r\n\r\n${dialogue.received}`,
        )
    })
    const chunks = '5\r\nhello\r\n0\r\nX-Sum: 1\r\nX_Odd: /a\r\nB: 2\r\n\r\n'
    const client = stack.open()
    client.send(`POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)
    await client.hears('0\r\nX-Sum: 1\r\nB: 2\r\n\r\n')
    assert.doesNotMatch(client.received, /X_Odd/)
    const long = `X-Forwarded-${'a'.repeat(60)}`
    for (const name of ['X-Forwarded-User', 'SCRIPT_NAME', 'Remote-User', 'Authorization', 'Cookie', long]) {
      const trailer = `0\r\n${name}: 1\r\n\r\n`
      await stack
        .open()
        .send(`POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${trailer}`)
        .hears('"bad_request"')
    }
  })
})

describe('fields with other characters than letters, digits and - in their name', () => {
  it('are not forwarded', async () => {
    await using stack = await httpStack(mirror)
    const odd = ['X_Api_Key: 1', 'a.b: 1', '_: 1', "x'y: 1", 'X|Y: 1', 'Cookie_: a=b', 'Accept.: */*']
    assert.deepEqual(await received(stack, ...odd), OURS)
  })

  it('are 400 bad_request when they imitate a framing field', async () => {
    await using stack = await httpStack(mirror)
    for (const name of ['Content_Length', 'Content.Length', 'TRANSFER_ENCODING', 'transfer!encoding'])
      await stack.open().send(`GET /a HTTP/1.1\r\nHost: a\r\n${name}: 5\r\n\r\n`).hears('"bad_request"')
    assert.equal(stack.connections.length, 0)
  })
})

it('fields that honest clients send are forwarded', async () => {
  await using stack = await httpStack(mirror, 'limits: {fields: 256}')
  const honest = [
    ...[
      'Accept',
      'Accept-Encoding',
      'Accept-Language',
      'Authorization',
      'Baggage',
      'Cache-Control',
      'Content-Type',
    ],
    ...[
      'Cookie',
      'DNT',
      'From',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'If-Range',
      'Origin',
      'Pragma',
    ],
    ...['Prefer', 'Priority', 'Range', 'Referer', 'Sec-Fetch-Mode', 'User-Agent'],
    ...[
      'Upgrade-Insecure-Requests',
      'Via',
      'Warning',
      'X-Api-Key',
      'X-Csrf-Token',
      'X-Grpc-Web',
      'X-User-Agent',
    ],
    ...[
      'X-Requested-With',
      'X-Client-Version',
      'X-B3-TraceId',
      'X-Amz-Date',
      'X-Correlation-Id',
      'Client-Version',
    ],
  ]
  const expected = ['host', ...honest.map((name) => name.toLowerCase()), ...OURS.slice(1)]
  assert.deepEqual(await received(stack, ...honest.map((name) => `${name}: 1`)), expected)
})

it('fields that the route names in passFields are forwarded, and no others', async () => {
  await using stack = await httpStack(mirror, 'passFields: [X-Forwarded-Prefix, SCRIPT_NAME]')
  const names = await received(
    stack,
    'x-forwarded-prefix: /a',
    'SCRIPT_NAME: /b',
    'Script-Name: /c',
    'PATH_INFO: /d',
  )
  assert.deepEqual(names, ['host', 'x-forwarded-prefix', 'script_name', ...OURS.slice(1)])
})
