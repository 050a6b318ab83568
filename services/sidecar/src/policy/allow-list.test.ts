import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AllowList, type AllowRule, isNormalPath, parseAllowRule } from './allow-list.ts'

function listOf(...rules: string[]): (request: string) => boolean {
  const list = new AllowList(rules.map((rule) => parseAllowRule(rule) as AllowRule))
  return (request) => {
    const [method = '', path = ''] = request.split(' ')
    return list.allows(method, Buffer.from(`..${path}`), 2, 2 + path.length)
  }
}

describe('an allow list', () => {
  it('allows exactly the path and the method, and HEAD together with GET', () => {
    const allows = listOf('GET /metrics', 'POST /visits')
    assert.ok(allows('GET /metrics') && allows('HEAD /metrics') && allows('POST /visits'))
    for (const other of [
      'GET /',
      'GET /metric',
      'GET /metrics/',
      'GET /metrics2',
      'GET /Metrics',
      'POST /metrics',
      'HEAD /visits',
    ])
      assert.ok(!allows(other), other)
  })

  it('with /* allows every path below, but not the path itself', () => {
    const allows = listOf('GET|PUT /files/*')
    assert.ok(allows('GET /files/a') && allows('PUT /files/a/b') && allows('GET /files/'))
    assert.ok(!allows('GET /files') && !allows('GET /filesystem'))
  })

  it('lists the methods that are allowed for a path', () => {
    const list = new AllowList([
      { methods: ['GET'], path: '/a', clients: [] },
      { methods: ['PUT', 'GET'], path: '/a', clients: [] },
    ])
    assert.deepEqual(list.methodsFor(Buffer.from('/a'), 0, 2), ['GET', 'HEAD', 'PUT'])
    assert.deepEqual(list.methodsFor(Buffer.from('/b'), 0, 2), [])
  })

  it('does not accept text that is not a rule', () => {
    for (const text of [
      '',
      'GET',
      '/a',
      'get /a',
      'GET a',
      'GET /a b',
      'GET /a/../b',
      'GET /*/a',
      'GET /%61',
      'GET  /a',
    ])
      assert.equal(parseAllowRule(text), undefined, text)
  })
})

describe('a path in its normal form', () => {
  const isNormal = (path: string) => isNormalPath(Buffer.from(path), 0, path.length)

  it('has no dot segments, no needless percent-encoding, and nothing that servers read in different ways', () => {
    const others = [
      '/.',
      '/..',
      '/./a',
      '/a/..',
      '/a/../b',
      '/..;/a',
      '/.;x',
      '/%2e',
      '/%2E%2E/a',
      '/%61',
      '/%7E',
      '/a%2Fb',
      '/a%5Cb',
      '/a%00',
      '/a%0D%0A',
      '/%c3%a9',
      '/%',
      '/%4',
      '/%zz',
      '/a%7F',
    ]
    for (const path of others) assert.ok(!isNormal(path), path)
  })

  it('may have dots inside a segment, percent-encoding that is needed, and empty segments', () => {
    for (const path of [
      '/',
      '/...',
      '/.well-known/x',
      '/a..b',
      '/a.',
      '/a;b=c',
      '/%C3%A9',
      '/a%20b',
      '/a//b',
      '/%25',
    ])
      assert.ok(isNormal(path), path)
  })
})
