import assert from 'node:assert/strict'
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { type Lookup, Resolver, type ResolverOptions } from './resolver.ts'

type Callback = Parameters<Lookup>[2]

const ONE: LookupAddress = { address: '93.184.216.34', family: 4 }

/** A resolver whose system is the test: it keeps each question until the test gives its result. */
function stack(options: ResolverOptions = {}) {
  const asked: { name: string; respond: Callback }[] = []
  let nowMs = 0
  const resolver = new Resolver({
    hostsFile: '/nowhere',
    lookup: (name, _options, respond) => asked.push({ name, respond }),
    clock: () => nowMs,
    ...options,
  })
  return {
    resolver,
    names: () => asked.map(({ name }) => name),
    /** Resolves once so many names were asked for. */
    whenAsked: (count: number) => eventually(`${count} questions`, () => asked.length >= count),
    respond: (index: number, error: NodeJS.ErrnoException | null, addresses: LookupAddress[] = [ONE]) =>
      asked[index]?.respond(error, addresses),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

describe('a look-up', () => {
  it('asks for the absolute name, and passes all addresses on', async () => {
    const { resolver, names, whenAsked, respond } = stack()
    const found = resolver.lookup('api.example.org')
    await whenAsked(1)
    assert.deepEqual(names(), ['api.example.org.'])
    const two: LookupAddress[] = [ONE, { address: '2606:2800::1', family: 6 }]
    respond(0, null, two)
    assert.deepEqual(await found, two)
  })

  it('passes on at most 16 addresses', async () => {
    const { resolver, whenAsked, respond } = stack()
    const found = resolver.lookup('many.example')
    await whenAsked(1)
    respond(0, null, new Array(500).fill(ONE))
    assert.equal((await found).length, 16)
  })

  for (const [code, message] of [
    ['ENOTFOUND', /cannot resolve a\.example: the name does not resolve/],
    ['EAI_AGAIN', /cannot resolve a\.example: the name server does not respond/],
  ] as const)
    it(`that fails with ${code} is host_unknown`, async () => {
      const { resolver, whenAsked, respond } = stack()
      const found = resolver.lookup('a.example')
      await whenAsked(1)
      respond(0, errno(code))
      await assert.rejects(found, { code: 'host_unknown', errno: code, message })
    })

  it('without any address is host_unknown', async () => {
    const { resolver, whenAsked, respond } = stack()
    const found = resolver.lookup('a.example')
    await whenAsked(1)
    respond(0, null, [])
    await assert.rejects(found, { code: 'host_unknown', errno: 'ENOTFOUND' })
  })

  it('that never ends is host_unknown after its time', async () => {
    const { resolver } = stack({ timeoutMs: 20 })
    await assert.rejects(resolver.lookup('a.example'), {
      code: 'host_unknown',
      message: /did not respond within 20 ms/,
      errno: undefined,
    })
  })

  it('of the real system does not find a name that does not exist', async () => {
    const resolver = new Resolver({ lookup: systemLookup })
    await assert.rejects(resolver.lookup('no-such-host.invalid'), { code: 'host_unknown' })
  })
})

describe('/etc/hosts', () => {
  const HOSTS = `# comment partner
127.0.0.1 localhost
10.1.2.3\tpartner.example PARTNER # not-this
fd00::7 partner
bad-line partner
10.9.9.9 other-partner partner2
`

  it('has a name before the system is asked, with all its addresses', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('hosts'), HOSTS)
    const { resolver, names } = stack({ hostsFile: directory.at('hosts') })
    assert.deepEqual(await resolver.lookup('partner'), [
      { address: '10.1.2.3', family: 4 },
      { address: 'fd00::7', family: 6 },
    ])
    assert.deepEqual(await resolver.lookup('partner.example'), [{ address: '10.1.2.3', family: 4 }])
    assert.deepEqual(names(), [])
  })

  it('does not have parts of names, nor comments', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('hosts'), HOSTS)
    const { resolver, names, whenAsked, respond } = stack({ hostsFile: directory.at('hosts') })
    for (const [index, name] of ['not-this', 'other', 'comment'].entries()) {
      const found = resolver.lookup(name)
      await whenAsked(index + 1)
      respond(index, null)
      assert.deepEqual(await found, [ONE])
    }
    assert.deepEqual(names(), ['not-this.', 'other.', 'comment.'])
  })
})

describe('the same name', () => {
  it('is asked for once at a time', async () => {
    const { resolver, names, whenAsked, respond } = stack()
    const all = [1, 2, 3].map(() => resolver.lookup('a.example'))
    await whenAsked(1)
    respond(0, null)
    assert.deepEqual(await Promise.all(all), [[ONE], [ONE], [ONE]])
    assert.equal(names().length, 1)
  })

  it('is asked for again when its addresses are too old', async () => {
    const { resolver, names, whenAsked, respond, pass } = stack({ keepMs: 1_000 })
    const first = resolver.lookup('a.example')
    await whenAsked(1)
    respond(0, null)
    await first
    pass(999)
    await resolver.lookup('a.example')
    assert.equal(names().length, 1)
    pass(1)
    const second = resolver.lookup('a.example')
    await whenAsked(2)
    const other: LookupAddress = { address: '198.41.0.4', family: 4 }
    respond(1, null, [other])
    assert.deepEqual(await second, [other])
  })

  it('at whose addresses nobody is reached is asked for again, and not too often', async () => {
    const { resolver, names, whenAsked, respond, pass } = stack({ keepMs: 10_000, keepFailureMs: 100 })
    resolver.forget('a.example')
    const first = resolver.lookup('a.example')
    resolver.forget('a.example')
    await whenAsked(1)
    respond(0, null)
    await first
    for (let i = 0; i < 5; i++) {
      resolver.forget('a.example')
      pass(19)
      await resolver.lookup('a.example')
    }
    assert.equal(names().length, 1)
    pass(5)
    const second = resolver.lookup('a.example')
    await whenAsked(2)
    respond(1, null)
    await second
  })

  it('that failed is asked for again soon', async () => {
    const { resolver, names, whenAsked, respond, pass } = stack({ keepFailureMs: 100 })
    const first = resolver.lookup('a.example')
    await whenAsked(1)
    respond(0, errno('ENOTFOUND'))
    await assert.rejects(first)
    await assert.rejects(resolver.lookup('a.example'), { code: 'host_unknown' })
    assert.equal(names().length, 1)
    pass(100)
    const second = resolver.lookup('a.example')
    await whenAsked(2)
    respond(1, null)
    assert.deepEqual(await second, [ONE])
  })
})

describe('the bounds of a resolver', () => {
  it('are look-ups at a time, and look-ups that wait', async () => {
    const { resolver, names, whenAsked, respond } = stack({ maxActive: 1, maxWaiting: 1 })
    const first = resolver.lookup('a.example')
    const second = resolver.lookup('b.example')
    await assert.rejects(resolver.lookup('c.example'), { code: 'overloaded' })
    await whenAsked(1)
    assert.deepEqual(names(), ['a.example.'])
    respond(0, null)
    await first
    await whenAsked(2)
    respond(1, null)
    await second
    const third = resolver.lookup('c.example')
    await whenAsked(3)
    respond(2, null)
    assert.deepEqual(await third, [ONE])
  })

  it('keep the place of a look-up that is over its time until the system responds', async () => {
    const { resolver, names, whenAsked, respond } = stack({ maxActive: 1, timeoutMs: 20 })
    await assert.rejects(resolver.lookup('a.example'))
    await assert.rejects(resolver.lookup('b.example')) // it waited, and left the queue
    await whenAsked(1)
    assert.deepEqual(names(), ['a.example.'])
    respond(0, null)
    const third = resolver.lookup('c.example')
    await whenAsked(2)
    respond(1, null)
    await third
    assert.deepEqual(names(), ['a.example.', 'c.example.'])
  })

  it('leave a place to others than the one who asks for slow names', async () => {
    const { resolver, names, whenAsked, respond } = stack({ maxWaiting: 2 })
    const partner = resolver.lookup('partner.example', 'api')
    await whenAsked(1)
    respond(0, null)
    await partner
    const slow = ['a', 'b', 'c'].map((label) => resolver.lookup(`${label}.example`, 'proxy'))
    await whenAsked(2)
    await assert.rejects(resolver.lookup('d.example', 'proxy'), { code: 'overloaded' })
    const other = resolver.lookup('other.example', 'api')
    await whenAsked(3)
    respond(2, null)
    assert.deepEqual(await other, [ONE])
    assert.deepEqual(names(), ['partner.example.', 'a.example.', 'other.example.'])
    for (const index of [1, 3, 4]) {
      await whenAsked(index + 1)
      respond(index, null)
    }
    assert.equal((await Promise.all(slow)).length, 3)
  })

  it('are shared: who has just got a place is the last to get the next one', async () => {
    const { resolver, names, whenAsked, respond } = stack({ maxActive: 1 })
    const ask = (label: string, asker: string) => resolver.lookup(`${label}.example`, asker)
    const all = [ask('a', 'one'), ask('b', 'one'), ask('c', 'one'), ask('d', 'two'), ask('e', 'two')]
    for (let index = 0; index < all.length; index++) {
      await whenAsked(index + 1)
      respond(index, null)
    }
    await Promise.all(all)
    assert.deepEqual(names(), ['a.example.', 'b.example.', 'd.example.', 'c.example.', 'e.example.'])
  })

  it('let one who asks alone have every place', async () => {
    const { resolver, names, whenAsked, respond } = stack()
    const both = ['a.example', 'b.example'].map((name) => resolver.lookup(name, 'proxy'))
    await whenAsked(2)
    assert.deepEqual(names(), ['a.example.', 'b.example.'])
    for (const index of [0, 1]) respond(index, null)
    await Promise.all(both)
  })

  it('are names that are kept: the oldest goes', async () => {
    const { resolver, names, whenAsked, respond } = stack({ maxCached: 2 })
    for (const [index, name] of ['a.example', 'b.example', 'c.example'].entries()) {
      const found = resolver.lookup(name)
      await whenAsked(index + 1)
      respond(index, null)
      await found
    }
    await resolver.lookup('b.example')
    await resolver.lookup('c.example')
    assert.equal(names().length, 3)
    const again = resolver.lookup('a.example')
    await whenAsked(4)
    respond(3, null)
    await again
  })
})
