import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { reset } from '../relay/port.ts'
import { makePair, type TestPair } from '../testing/certificates.ts'
import { certificateListener, makeAuthority, makeClient, withChain } from '../testing/client-certificates.ts'

const run = promisify(execFile)
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const FOO = 'spiffe://example.org/foo'
const CA = 'basicConstraints=critical,CA:TRUE'

let server: TestPair
let root: TestPair
let other: TestPair
let intermediate: TestPair
/** Issued by the root. */
let client: TestPair
/** Issued by the intermediate. */
let deep: TestPair
before(async () => {
  server = await makePair()
  root = await makeAuthority({ name: 'root' })
  other = await makeAuthority({ name: 'other' })
  intermediate = await makeAuthority({ name: 'intermediate', issuer: root })
  client = await makeClient(root, `URI:${FOO}`)
  deep = await makeClient(intermediate, `URI:${FOO}`)
})

describe('a client that presents no certificate', () => {
  for (const version of VERSIONS)
    it(`gets in and proves nothing (${version})`, async () => {
      await using listener = await certificateListener(root.cert, server)
      assert.equal(await listener.enter(null, { maxVersion: version, minVersion: version }), null)
      assert.equal(listener.failures('client_certificate'), 0)
    })
})

describe('a valid certificate', () => {
  for (const [what, authorities, presented] of [
    ['of a root', () => root.cert, () => client],
    ['with an intermediate that the client sends', () => root.cert, () => withChain(deep, intermediate)],
    ['with the whole chain, root included', () => root.cert, () => withChain(deep, intermediate, root)],
    ['with an intermediate that the bundle has', () => root.cert + intermediate.cert, () => deep],
    ['of the second of two CAs', () => other.cert + root.cert, () => client],
    ['of a CA with text around it', () => `root:\n${root.cert}\nend\n`, () => client],
    [
      'for clients',
      () => root.cert,
      () => makeClient(root, `URI:${FOO}`, { extensions: ['extendedKeyUsage=serverAuth,clientAuth'] }),
    ],
  ] as const)
    for (const version of VERSIONS)
      it(`${what} proves its names (${version})`, async () => {
        await using listener = await certificateListener(authorities(), server)
        const proven = await listener.enter(await presented(), { maxVersion: version, minVersion: version })
        assert.deepEqual(proven?.names, { uris: [FOO], dns: [], mails: [] })
        assert.equal(proven.isValid(), true)
        assert.equal(listener.failures('client_certificate'), 0)
      })

  it('may be one of the CAs itself', async () => {
    const own = await makeAuthority({ extensions: [CA, `subjectAltName=URI:${FOO}`] })
    await using listener = await certificateListener(own.cert, server)
    const proven = await listener.enter(own)
    assert.deepEqual(proven?.names.uris, [FOO])
    await listener.replaceAuthorities(root.cert)
    assert.equal(proven.isValid(), false)
  })

  it('of a CA that was renewed with its key is that of the new one, although the old one has expired', async () => {
    const old = await renewed(root, '210101')
    await using listener = await certificateListener(old + root.cert, server)
    const proven = await listener.enter(client)
    assert.equal(proven?.isValid(), true)
    await listener.replaceAuthorities(root.cert)
    assert.equal(proven.isValid(), true)
  })

  it('with a name that is not strict proves no name', async () => {
    const hex = Buffer.concat([Buffer.from('300d820b', 'hex'), Buffer.from('a.example\0b')]).toString('hex')
    const odd = await makeClient(root, `DER:${hex}`)
    await using listener = await certificateListener(root.cert, server)
    assert.deepEqual((await listener.enter(odd))?.names, { uris: [], dns: [], mails: [] })
  })
})

/** The same CA, key and name, with another last day. */
async function renewed(authority: TestPair, to: string): Promise<string> {
  await using directory = await tempDirectory('tls-')
  const at = (name: string) => directory.at(name)
  await writeFile(at('key'), authority.key)
  await writeFile(
    at('ext'),
    `[req]\ndistinguished_name=n\n[n]\n[ca]\ndefault_ca=o\n[o]\ndatabase=i\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[x]\n${CA}\n`,
  )
  await writeFile(at('i'), '')
  const options = { cwd: directory.path }
  await run(
    'openssl',
    ['req', '-new', '-config', 'ext', '-key', 'key', '-subj', '/CN=root', '-out', 'csr'],
    options,
  )
  await run(
    'openssl',
    [
      'ca',
      '-config',
      'ext',
      '-selfsign',
      '-batch',
      '-notext',
      '-keyfile',
      'key',
      '-extensions',
      'x',
      '-startdate',
      '200101000000Z',
      '-enddate',
      `${to}000000Z`,
      '-in',
      'csr',
      '-out',
      'crt',
    ],
    options,
  )
  return (await run('cat', ['crt'], options)).stdout
}

describe('an invalid certificate', () => {
  const usage = (purpose: string) => ({ extensions: [`extendedKeyUsage=${purpose}`] })
  for (const [what, present] of [
    ['of another CA', () => makeClient(other, `URI:${FOO}`)],
    [
      'of another CA with the same name',
      async () => makeClient(await makeAuthority({ name: 'root' }), `URI:${FOO}`),
    ],
    ['that has expired', () => makeClient(root, `URI:${FOO}`, { to: '210101' })],
    ['that is not valid yet', () => makeClient(root, `URI:${FOO}`, { from: '470101' })],
    ['that is for servers', () => makeClient(root, `URI:${FOO}`, usage('serverAuth'))],
    [
      'that is for servers and has expired',
      () => makeClient(root, `URI:${FOO}`, { ...usage('serverAuth'), to: '210101' }),
    ],
    ['that is for mail', () => makeClient(root, `URI:${FOO}`, usage('emailProtection'))],
    ['that signed itself', () => makeAuthority({ extensions: [`subjectAltName=URI:${FOO}`] })],
    ['without its intermediate', () => deep],
    [
      'with another intermediate',
      async () => withChain(deep, await makeAuthority({ name: 'intermediate', issuer: other })),
    ],
    [
      'with the CA that it made itself',
      async () => {
        const own = await makeAuthority()
        return withChain(await makeClient(own, `URI:${FOO}`), own)
      },
    ],
    [
      'issued by a client',
      async () => {
        const middle = await makeClient(root, 'DNS:a')
        return withChain(await makeClient(middle, `URI:${FOO}`), middle)
      },
    ],
    [
      'whose intermediate has expired',
      async () => {
        const middle = await makeAuthority({ issuer: root, to: '210101' })
        return withChain(await makeClient(middle, `URI:${FOO}`), middle)
      },
    ],
    [
      'below an intermediate that may have none below it',
      async () => {
        const middle = await makeAuthority({ issuer: root, extensions: [`${CA},pathlen:0`] })
        const lower = await makeAuthority({ issuer: middle })
        return withChain(await makeClient(lower, `URI:${FOO}`), lower, middle)
      },
    ],
    [
      'whose intermediate may issue other names only',
      async () => {
        const middle = await makeAuthority({
          issuer: root,
          extensions: [CA, 'nameConstraints=critical,permitted;URI:example.com'],
        })
        return withChain(await makeClient(middle, `URI:${FOO}`), middle)
      },
    ],
  ] as const)
    for (const version of VERSIONS)
      it(`${what} fails the handshake, and the client sees an error (${version})`, async () => {
        await using listener = await certificateListener(root.cert, server)
        using conversation = listener.open(await present(), { maxVersion: version, minVersion: version })
        conversation.send('hello')
        assert.equal(await conversation.toItsEnd(), '')
        assert.equal(conversation.ending, 'ECONNRESET')
        assert.equal(listener.proven.length, 0)
        assert.equal(listener.failures('client_certificate'), 1)
        assert.ok((await listener.enter(client, { maxVersion: version })) !== null)
      })

  it('fails a TLS 1.2 handshake before the client counts it as done', async () => {
    await using listener = await certificateListener(root.cert, server)
    using conversation = listener.open(other, { maxVersion: 'TLSv1.2' })
    let isSecure = false
    conversation.socket.on('secureConnect', () => {
      isSecure = true
    })
    await conversation.toItsEnd()
    assert.equal(isSecure, false)
  })

  it('of a CA that has expired is refused', async () => {
    const old = await makeAuthority({ to: '210101' })
    await using listener = await certificateListener(old.cert, server)
    using conversation = listener.open(await makeClient(old, `URI:${FOO}`))
    await conversation.toItsEnd()
    assert.equal(conversation.ending, 'ECONNRESET')
    assert.equal(listener.failures('client_certificate'), 1)
  })
})

describe('what a certificate proved', () => {
  it('no longer holds when it, or one of its chain, has expired, nor before it is valid', async (t) => {
    const short = await makeAuthority({ issuer: root, to: '400101' })
    await using listener = await certificateListener(root.cert, server)
    const rows = [
      [await listener.enter(client), Date.UTC(2048, 0, 1)],
      [await listener.enter(await makeClient(root, `URI:${FOO}`, { to: '390101' })), Date.UTC(2039, 0, 1)],
      [await listener.enter(withChain(await makeClient(short, `URI:${FOO}`), short)), Date.UTC(2040, 0, 1)],
    ] as const
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    for (const [proven, end] of rows) {
      t.mock.timers.setTime(end - 1)
      assert.equal(proven?.isValid(), true)
      t.mock.timers.setTime(end)
      assert.equal(proven.isValid(), false)
      t.mock.timers.setTime(Date.UTC(2019, 0, 1))
      assert.equal(proven.isValid(), false)
    }
  })

  it('no longer holds without its CA, holds again with it, and the server certificate does not matter', async () => {
    await using listener = await certificateListener(root.cert, server)
    const direct = await listener.enter(client)
    const through = await listener.enter(withChain(deep, intermediate))
    await listener.replacePair(await makePair())
    for (const proven of [direct, through]) assert.equal(proven?.isValid(), true)
    await listener.replaceAuthorities(other.cert + root.cert)
    for (const proven of [direct, through]) assert.equal(proven?.isValid(), true)
    await listener.replaceAuthorities(other.cert)
    for (const proven of [direct, through]) assert.equal(proven?.isValid(), false)
    await listener.replaceAuthorities(root.cert)
    for (const proven of [direct, through]) assert.equal(proven?.isValid(), true)
  })

  it('is verified with the same CA after a new server certificate', async () => {
    await using listener = await certificateListener(root.cert, server)
    const next = await makePair()
    await listener.replacePair(next)
    assert.ok((await listener.enter(client, { ca: next.cert })) !== null)
    using conversation = listener.open(await makeClient(other, `URI:${FOO}`), { ca: next.cert })
    await conversation.toItsEnd()
    assert.equal(listener.failures('client_certificate'), 1)
  })

  it('no longer holds when a CA of the same name replaces its own', async () => {
    const namesake = await makeAuthority({ name: 'root' })
    await using listener = await certificateListener(namesake.cert + root.cert, server)
    const proven = await listener.enter(client)
    await listener.replaceAuthorities(namesake.cert)
    assert.equal(proven?.isValid(), false)
  })

  it('still holds when a bad file replaces the CA, and new clients get in', async () => {
    await using listener = await certificateListener(root.cert, server)
    const proven = await listener.enter(client)
    await listener.replaceAuthorities('nothing')
    await eventually('the refusal', () => listener.certificate.clientCa?.lastFailure !== null)
    assert.equal(proven?.isValid(), true)
    assert.ok((await listener.enter(client)) !== null)
  })

  it('is judged anew with a new CA, and each 10 s, but not with a new server certificate', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    await using listener = await certificateListener(root.cert, server)
    await listener.replacePair(await makePair())
    assert.equal(listener.judgedTimes(), 0)
    await listener.replaceAuthorities(other.cert)
    assert.equal(listener.judgedTimes(), 1)
    t.mock.timers.tick(9_999)
    assert.equal(listener.judgedTimes(), 1)
    t.mock.timers.tick(1)
    assert.equal(listener.judgedTimes(), 2)
    t.mock.timers.tick(10_000)
    assert.equal(listener.judgedTimes(), 3)
    listener.certificate[Symbol.dispose]()
    t.mock.timers.tick(100_000)
    assert.equal(listener.judgedTimes(), 3)
  })
})

describe('a new CA', () => {
  for (const version of VERSIONS) {
    it(`counts from the next handshake on (${version})`, async () => {
      await using listener = await certificateListener(root.cert, server)
      await listener.replaceAuthorities(other.cert)
      using conversation = listener.open(client, { maxVersion: version })
      await conversation.toItsEnd()
      assert.equal(conversation.ending, 'ECONNRESET')
      const proven = await listener.enter(await makeClient(other, `URI:${FOO}`), { maxVersion: version })
      assert.equal(proven?.isValid(), true)
    })

    it(`counts for a handshake that has begun before it (${version})`, async () => {
      await using listener = await certificateListener(root.cert, server)
      await using held = await holdingProxy(listener.port)
      using conversation = listener.open(client, { port: held.port, maxVersion: version })
      await eventually('the hello of the server', () => held.responded())
      await listener.replaceAuthorities(other.cert)
      held.release()
      await conversation.toItsEnd()
      assert.equal(listener.failures('client_certificate'), 1)
      assert.equal(listener.proven.length, 0)
    })
  }
})

/** Forwards the first bytes of a client and all of the server, and holds the rest of the client until `release`. */
async function holdingProxy(port: number) {
  const sockets: Socket[] = []
  let hasResponded = false
  let release = () => {}
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => socket.destroy())
    near.once('data', (hello) => {
      near.pause()
      far.write(hello)
      release = () => near.pipe(far)
    })
    far.on('data', (bytes) => {
      hasResponded = true
      near.write(bytes)
    })
    far.on('close', () => near.resetAndDestroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    responded: () => hasResponded,
    release: () => release(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

describe('two listeners with two CAs', () => {
  it('never lend each other names', async () => {
    const twin = await makeClient(other, `URI:${FOO}`)
    await using one = await certificateListener(root.cert, server)
    await using two = await certificateListener(other.cert, server)
    const proven = await one.enter(client)
    assert.deepEqual(proven?.names, (await two.enter(twin))?.names)
    for (const [listener, stranger] of [
      [one, twin],
      [two, client],
    ] as const) {
      using conversation = listener.open(stranger)
      await conversation.toItsEnd()
      assert.equal(conversation.ending, 'ECONNRESET')
      assert.equal(listener.failures('client_certificate'), 1)
      assert.equal(listener.proven.length, 1)
    }
    await two.replaceAuthorities(root.cert)
    await one.replaceAuthorities(other.cert)
    assert.equal(proven?.isValid(), false)
  })
})

describe('a session of a listener with clientCa', () => {
  for (const version of VERSIONS)
    it(`is never resumed: on it, on another listener, after a new CA or pair (${version})`, async () => {
      await using one = await certificateListener(root.cert, server)
      await using two = await certificateListener(root.cert, server)
      const sessions: Buffer[] = []
      {
        using conversation = one.open(client, { maxVersion: version })
        conversation.socket.on('session', (session: Buffer) => sessions.push(session))
        await conversation.send('hello').hears('hello')
        const last = conversation.socket.getSession()
        if (last !== undefined) sessions.push(last)
      }
      assert.ok(sessions.length > 0)
      const resumeAll = async () => {
        for (const listener of [one, two])
          for (const session of sessions) {
            using conversation = listener.open(null, { session, maxVersion: version })
            await conversation.send('hello').hears('hello')
            assert.equal(conversation.socket.isSessionReused(), false)
            assert.equal(listener.proven.at(-1), null)
          }
      }
      await resumeAll()
      await one.replaceAuthorities(root.cert + other.cert)
      await resumeAll()
      await one.replacePair({ ...server, cert: `${server.cert}\n` })
      await resumeAll()
    })

  it('is never resumed by openssl s_client', async () => {
    await using listener = await certificateListener(root.cert, server)
    await using directory = await tempDirectory('tls-')
    await writeFile(directory.at('crt'), client.cert)
    await writeFile(directory.at('key'), client.key)
    const identity = ['-cert', directory.at('crt'), '-key', directory.at('key')]
    const twelve = await sClient(listener.port, ['-tls1_2', '-reconnect', ...identity])
    assert.equal(twelve.match(/^New, /gm)?.length, 6)
    assert.doesNotMatch(twelve, /^Reused, /m)
    for (const version of ['-tls1_2', '-tls1_3']) {
      const file = directory.at(`session${version}`)
      await sClient(listener.port, [version, '-sess_out', file, ...identity])
      const before = listener.proven.length
      const second = await sClient(listener.port, [version, '-sess_in', file])
      assert.match(second, /^New, /m)
      assert.doesNotMatch(second, /^Reused, /m)
      assert.equal(listener.proven[before], null)
    }
  })
})

/** Runs `openssl s_client`, and ends it once it has heard its own line. */
async function sClient(port: number, args: string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args])
  child.stdin.on('error', () => undefined)
  const errors = text(child.stderr)
  let output = ''
  child.stdout.setEncoding('latin1').on('data', (more) => {
    output += more
  })
  child.stdin.write('hello\n')
  await eventually('the line to come back', () => /^hello$/m.test(output))
  child.stdin.end()
  await once(child, 'close')
  return output + (await errors)
}

describe('hardening', () => {
  for (const version of VERSIONS)
    it(`a chain of more than 100 kB is refused, and others are served (${version})`, async () => {
      await using listener = await certificateListener(root.cert, server)
      const many = withChain(client, ...Array.from({ length: 500 }, () => other))
      using conversation = listener.open(many, { maxVersion: version })
      await conversation.toItsEnd()
      assert.notEqual(conversation.ending, 'end')
      assert.equal(listener.failures('protocol'), 1)
      assert.ok(
        (await listener.enter(withChain(client, ...Array.from({ length: 100 }, () => other)))) !== null,
      )
    })

  it('a handler that resets each connection at once does not end the process', async () => {
    for (const version of VERSIONS) {
      await using listener = await certificateListener(root.cert, server, reset)
      for (let i = 0; i < 20; i++) {
        using conversation = listener.open(client, { maxVersion: version })
        await conversation.toItsEnd()
        assert.equal(conversation.ending, 'ECONNRESET')
      }
      assert.equal(listener.proven.length, 20)
    }
  })

  it('renegotiation is refused', async () => {
    await using listener = await certificateListener(root.cert, server)
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${listener.port}`, '-tls1_2'])
    child.stdin.on('error', () => undefined).write('R\n')
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.match(output + errors, /no renegotiation/)
  })
})
