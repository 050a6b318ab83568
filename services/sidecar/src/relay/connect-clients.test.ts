import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { connectStack, NAME, remote } from '../testing/connect-stack.ts'
import { configFrom } from '../testing/sidecar-with.ts'

/** The user that runs the tests, and somebody else. */
const ME = process.getuid?.() ?? 0
const CLIENTS = `clients: {me: {uid: ${ME}}, other: {uid: ${ME + 1}}},`
const SETTINGS = 'sni: any, allowAddresses: [127.0.0.1/32]'

describe('a rule of kind connect for some clients', () => {
  it('opens a tunnel for one of them', async () => {
    await using upstream = await remote('127.0.0.1')
    const allow = [`CONNECT ${NAME}:${upstream.port} for other me`]
    await using stack = await connectStack({ allow, more: CLIENTS, settings: SETTINGS })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`)
    await tunnel.hears(' 200 ')
    await tunnel.send('hello').hears('hello')
  })

  it('refuses everybody else, looks nothing up and dials nothing', async () => {
    await using upstream = await remote('127.0.0.1')
    const allow = [`CONNECT ${NAME}:${upstream.port} for other`]
    await using stack = await connectStack({ allow, more: CLIENTS, settings: SETTINGS })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`)
    assert.match(await tunnel.toItsEnd(), / 403 Forbidden.*"code":"not_permitted"/s)
    assert.deepEqual([stack.asked, upstream.sockets.length], [[], 0])
    assert.deepEqual(stack.failed(), { not_permitted: 1 })
  })

  it('beside one for everybody, refuses nobody', async () => {
    await using upstream = await remote('127.0.0.1')
    const allow = [`CONNECT ${NAME}:${upstream.port} for other`, `CONNECT *.example.org:${upstream.port}`]
    await using stack = await connectStack({ allow, more: CLIENTS, settings: SETTINGS })
    using tunnel = stack.connect(`${NAME}:${upstream.port}`)
    await tunnel.hears(' 200 ')
  })

  for (const [what, rules, isCut] of [
    ['takes the caller out of it', 'for other', true],
    ['takes the host out of it', 'CONNECT b.example:443', true],
    ['leaves the caller in it', 'for me', false],
  ] as const)
    it(`after a reload that ${what}, ${isCut ? 'cuts' : 'keeps'} an open tunnel`, async () => {
      await using upstream = await remote('127.0.0.1')
      const rule = `CONNECT ${NAME}:${upstream.port}`
      await using stack = await connectStack({
        allow: [`${rule} for me other`],
        more: CLIENTS,
        settings: SETTINGS,
      })
      using tunnel = stack.connect(`${NAME}:${upstream.port}`)
      await tunnel.hears(' 200 ')
      await tunnel.send('hello').hears('hello')
      const allow = rules.startsWith('for') ? `${rule} ${rules}` : rules
      const listen = `unix:${stack.directory.at('proxy.sock')}`
      const route = `{name: out, kind: connect, listen: "${listen}", allow: ["${allow}"], ${SETTINGS}}`
      await stack.sidecar.apply(configFrom(`{${CLIENTS} routes: [${route}]}`))
      if (isCut) await eventually('the tunnel to be cut', () => tunnel.ending !== null)
      else await tunnel.send('again').hears('again')
      assert.equal(stack.failed().not_permitted ?? 0, isCut ? 1 : 0)
    })

  for (const [what, clients, listen, mistake] of [
    ['is unknown', '{}', 'unix:/a.sock', /names me, which is no client/],
    ['is known by a token', '{me: {token: /t}}', 'unix:/a.sock', /a token: a CONNECT has none/],
    [
      'is known by its uid, on TCP',
      '{me: {uid: 1}}',
      'tcp://127.0.0.1:0',
      /known of callers on a Unix socket alone/,
    ],
  ] as const)
    it(`is a mistake if one of them ${what}`, () => {
      const route = `{name: out, kind: connect, listen: "${listen}", allow: [CONNECT a.example:443 for me]}`
      assert.throws(() => configFrom(`{clients: ${clients}, routes: [${route}]}`), mistake)
    })
})
