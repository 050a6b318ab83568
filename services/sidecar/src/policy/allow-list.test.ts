import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AllowList, type AllowRule, parseAllowRule } from './allow-list.ts'
import { isNormalPath } from './normal-path.ts'

function listOf(...rules: string[]): (request: string) => boolean {
  const list = new AllowList(rules.map((rule) => parseAllowRule(rule) as AllowRule))
  return (request) => {
    const [method = '', path = ''] = request.split(' ')
    return list.allows(method, Buffer.from(`..${path}`), 2, 2 + path.length)
  }
}

describe('an allow list', () => {
  it('allows the exact path and method, and HEAD where GET is', () => {
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

  it('allows what is below a path with /*, and not the path itself', () => {
    const allows = listOf('GET|PUT /files/*')
    assert.ok(allows('GET /files/a') && allows('PUT /files/a/b') && allows('GET /files/'))
    assert.ok(!allows('GET /files') && !allows('GET /filesystem'))
  })

  it('tells the methods that a path does have', () => {
    const list = new AllowList([
      { methods: ['GET'], path: '/a' },
      { methods: ['PUT', 'GET'], path: '/a' },
    ])
    assert.deepEqual(list.methodsFor(Buffer.from('/a'), 0, 2), ['GET', 'HEAD', 'PUT'])
    assert.deepEqual(list.methodsFor(Buffer.from('/b'), 0, 2), [])
  })

  it('is not made from what is no rule', () => {
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

  it('has no dot segments, no needless escapes, and nothing that servers read in two ways', () => {
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

  it('may have dots elsewhere, escapes that are needed, and empty segments', () => {
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
