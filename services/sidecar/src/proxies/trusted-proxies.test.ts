import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isForUnix, mistakeInEntry, normalEntry, TrustedProxies } from './trusted-proxies.ts'

describe('an entry of trustedProxies', () => {
  for (const text of [
    '10.0.0.0/8',
    '10.0.0.7',
    '10.0.0.7/32',
    'fd00::/8',
    '::1',
    '2001:db8::/128',
    'unix',
    'uid:0',
    'uid:10005',
    'uid:4294967294',
  ])
    it(`may be ${text}`, () => assert.equal(mistakeInEntry(text), undefined))

  for (const [text, mistake] of [
    ['10.1.0.0/8', /has bits after its prefix: write 10\.0\.0\.0\/8, or 10\.1\.0\.0 for this address/],
    ['10.0.0.1/31', /write 10\.0\.0\.0\/31/],
    ['fd00::1/64', /write fd00::\/64, or fd00::1/],
    ['10.0.0.0/33', /prefix of 33 bits, and one of IPv4 has at most 32/],
    ['10.0.0.0/64', /IPv4 has at most 32/],
    ['::/129', /IPv6 has at most 128/],
    ['::ffff:10.0.0.0/104', /write 10\.0\.0\.0\/8/],
    ['::ffff:10.0.0.7', /write 10\.0\.0\.7\/32/],
    ['0.0.0.0/0', /trusts every address/],
    ['::/0', /trusts every address/],
    ['10.0.0.0/', /may be a block/],
    ['10.0.0.0/08', /has bits|may be a block|prefix/],
    ['10.0.0/8', /may be a block/],
    ['010.0.0.0/8', /may be a block/],
    ['fe80::1%eth0', /may be a block/],
    ['fe80::%eth0/64', /may be a block/],
    ['localhost', /may be a block/],
    ['uid:', /may be a block/],
    ['uid:-1', /may be a block/],
    ['uid:01', /may be a block/],
    ['uid:4294967295', /may be a block/],
    ['UNIX', /may be a block/],
    ['unix:/run/a', /may be a block/],
    ['gid:5', /may be a block/],
    ['', /may be a block/],
    ['10.0.0.0/8 ', /may be a block/],
  ] as const)
    it(`may not be ${JSON.stringify(text)}`, () => assert.match(mistakeInEntry(text) ?? '', mistake))

  it('is the same in another spelling', () => {
    assert.equal(normalEntry('10.0.0.7'), normalEntry('10.0.0.7/32'))
    assert.equal(normalEntry('FD00:0::/8'), normalEntry('fd00::/8'))
    assert.notEqual(normalEntry('10.0.0.0/8'), normalEntry('10.0.0.0/9'))
    assert.equal(normalEntry('uid:5'), 'uid:5')
  })

  it('is for callers on Unix sockets, or for those on TCP', () => {
    assert.deepEqual(['unix', 'uid:5', '10.0.0.0/8', '::1'].map(isForUnix), [true, true, false, false])
  })
})

describe('trusted proxies', () => {
  const blocks = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', 'fe80::/10'])
  for (const [address, isTrusted] of [
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['::ffff:10.1.2.3', true],
    ['::ffff:a01:203', true],
    ['192.0.2.7', true],
    ['fd12::1', true],
    ['fe80::1%eth0', true],
    ['11.0.0.0', false],
    ['9.255.255.255', false],
    ['192.0.2.8', false],
    ['::ffff:11.0.0.1', false],
    ['fc00::1', false],
    ['::a01:203', false],
    ['', false],
  ] as const)
    it(`${isTrusted ? 'include' : 'do not include'} ${JSON.stringify(address)}`, () => {
      assert.equal(blocks.trusts({ address, uid: undefined }), isTrusted)
    })

  it('on a Unix socket are those with a uid that is named, or all', () => {
    const named = new TrustedProxies(['uid:10005', '10.0.0.0/8'])
    const all = new TrustedProxies(['unix'])
    const trusts = (proxies: TrustedProxies) =>
      [10005, 10006, 0, null, undefined].map((uid) => proxies.trusts({ uid }))
    assert.deepEqual(trusts(named), [true, false, false, false, false])
    assert.deepEqual(trusts(all), [true, true, true, true, false])
    assert.deepEqual(trusts(blocks), [false, false, false, false, false])
  })

  it('are judged by the address of the PROXY header where there is one, and not by the uid that brought it', () => {
    const proxies = new TrustedProxies(['uid:10005', '10.0.0.0/8'])
    assert.equal(proxies.trusts({ address: '203.0.113.9', uid: 10005 }), false)
    assert.equal(proxies.trusts({ address: '10.0.0.9', uid: 7 }), true)
  })
})
