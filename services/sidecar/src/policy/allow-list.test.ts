import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import { AllowList, type Target, targetOf } from './allow-list.ts'
import { type AllowRule, parseRule } from './rule.ts'

function rulesOf(...texts: string[]): AllowRule[] {
  return texts.map((text) => {
    const rule = parseRule(text)
    assert.ok(typeof rule !== 'string', `${text}: ${rule}`)
    return rule
  })
}

function targetIn(target: string): Target {
  const head = new RequestHead()
  const bytes = Buffer.from(`..GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
  assert.equal(
    parseRequestHead(head, bytes, 2, bytes.length),
    bytes.length,
    `${target}: ${head.refusal.reason}`,
  )
  return targetOf(head, bytes)
}

type Allows = (request: string) => boolean

function allowsOf(list: AllowList): Allows {
  return (request) => {
    const [method = '', target = ''] = request.split(' ')
    return list.allows(method, targetIn(target))
  }
}

function listOf(...rules: string[]): Allows {
  return allowsOf(new AllowList(rulesOf(...rules)))
}

function assertMatches(allows: Allows, matching: string[], others: string[]): void {
  for (const target of matching) assert.ok(allows(`GET ${target}`), `${target} should match`)
  for (const target of others) assert.ok(!allows(`GET ${target}`), `${target} should not match`)
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

  it('with {name} allows exactly one segment that is not empty', () => {
    const matching = [
      '/items/1',
      '/items/a.b;c',
      '/items/%C3%A9',
      '/items/...',
      '/items/{id}'.replace(/[{}]/g, '|'),
    ]
    assertMatches(listOf('GET /items/{id}'), matching, [
      '/items',
      '/items/',
      '/items/1/',
      '/items/1/2',
      '/items//',
      '/items2/1',
    ])
    assertMatches(
      listOf('GET /{a}/x/{b}'),
      ['/1/x/2'],
      ['/1/x/', '//x/2', '/1/y/2', '/1/2/x/3', '/1/xx/2', '/1/x/2/'],
    )
    assertMatches(listOf('GET /{a}/*'), ['/1/', '/1/2', '/1//2/3'], ['/1', '//', '//2', '/'])
  })

  it('takes empty segments as data', () => {
    assertMatches(listOf('GET /a/b'), ['/a/b'], ['/a//b', '//a/b', '/a/b/'])
    assertMatches(listOf('GET /a//b'), ['/a//b'], ['/a/b', '/a///b'])
    assertMatches(listOf('GET /a/*'), ['/a//', '/a//b', '/a/b//c'], ['//a/b'])
  })

  it('allows OPTIONS * only by a rule for *', () => {
    const star = (...rules: string[]) => {
      const head = new RequestHead()
      const bytes = Buffer.from('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.ok(parseRequestHead(head, bytes, 0, bytes.length) > 0)
      return new AllowList(rulesOf(...rules)).allows('OPTIONS', targetOf(head, bytes))
    }
    assert.ok(star('OPTIONS *') && !star('OPTIONS /*'))
  })

  it('needs a rule of its own for TRACE', () => {
    assert.ok(!listOf('GET|POST|OPTIONS /*')('TRACE /a'))
    assert.ok(listOf('TRACE /a')('TRACE /a'))
  })

  it('lists the methods that are allowed for a path and its query', () => {
    const list = new AllowList(rulesOf('GET /a', 'PUT|GET /a', 'DELETE /a ?force'))
    assert.deepEqual(list.methodsFor(targetIn('/a')), ['DELETE', 'GET', 'HEAD', 'PUT'])
    assert.deepEqual(list.methodsFor(targetIn('/a?x')), ['GET', 'HEAD', 'PUT'])
    assert.deepEqual(list.methodsFor(targetIn('/b')), [])
  })
})

describe('a path that was sent in another form', () => {
  it('is matched in its normal form', () => {
    assertMatches(
      listOf('GET /a~b'),
      ['/a~b', '/%61~b', '/a%7Eb', '/a%7eb', 'http://a/%61~b'],
      ['/A~b', '/a%7Fb'.replace('7F', '21')],
    )
    assertMatches(listOf('GET /caf%C3%A9'), ['/caf%c3%a9', '/%63af%C3%a9'], ['/caf%25C3%25A9', '/caf%E9'])
    assertMatches(listOf('GET /a[1]'), ['/a[1]', '/a%5B1%5d', '/a%5b1]'], ['/a1', '/a%255B1]'])
    assertMatches(listOf('GET /{id}'), ['/a|b^c', '/%61'], ['/a|b/c'])
  })

  it('keeps an escaped reserved character apart from itself, which is not equivalent (RFC 3986 section 2.2)', () => {
    assertMatches(listOf('GET /a@b'), ['/a@b'], ['/a%40b'])
    assertMatches(listOf('GET /a%40b'), ['/a%40b'], ['/a@b'])
  })
})

describe('an encoded slash', () => {
  it('matches only where the rule itself has %2F', () => {
    const rule = listOf('GET /queues/%2F/*')
    assertMatches(
      rule,
      ['/queues/%2F/a', '/queues/%2f/a', '/queues/%2F/'],
      ['/queues/%2F/a%2Fb', '/queues/%2Fa', '/queues///a', '/queues/a/b'],
    )
    assertMatches(listOf('GET /a/{id}'), ['/a/b'], ['/a/%2F', '/a/b%2Fc', '/a%2Fb', '/a%2Fb/c'])
    assertMatches(listOf('GET /*'), ['/a'], ['/%2F', '/a%2fb'])
    assertMatches(listOf('GET /a/b'), ['/a/b'], ['/a%2Fb'])
    assertMatches(
      listOf('GET /%2F/{id}/%2F'),
      ['/%2F/a/%2F', '/%2f/%2E2F/%2f', `/%2F/${'a'.repeat(100)}/%2F`],
      ['/%2F/a%2Fb/%2F', `/%2F/${'a'.repeat(100)}/b/%2F`, '/%2F/%2F/%2F', '/%2F/a/b'],
    )
  })

  it('is data everywhere when the route allows it', () => {
    const allows = allowsOf(new AllowList(rulesOf('GET /a/{id}', 'GET /b/*'), 'allow'))
    assertMatches(allows, ['/a/b%2Fc', '/a/%2F', '/b/%2F', '/b/c%2fd'], ['/a%2Fb', '/b%2Fc', '/a/b%2Fc/d'])
  })
})

describe('names of a query in a rule', () => {
  it('are the only ones that pass, compared decoded', () => {
    const matching = [
      '',
      '?',
      '?a',
      '?a=1',
      '?b=2&a=1',
      '?a=1&a=2',
      '?%61=1',
      '?a=1&&b',
      '?&a',
      '?a=1%26c=2',
      '?a=c&b==',
      '?a=1;b=2',
      '?a=1;',
      '?a=%zz',
    ]
    const others = [
      '?c',
      '?a&c',
      '?A',
      '?a%00',
      '?%61%62',
      '?=1',
      '?a%3D1',
      '?a%26b',
      '?a;c',
      '?a=1;c=2',
      '?a;b=1',
      '?;a=1',
      '?a=1&;b=2',
      '?a=1&b;a',
      '?%zz',
      '?a%',
      '?+a',
      '?a+',
      '??a',
    ]
    assertMatches(
      listOf('GET /x ?a&b'),
      matching.map((query) => `/x${query}`),
      others.map((query) => `/x${query}`),
    )
  })

  it('may have characters that separate names elsewhere, which are data in them', () => {
    const allows = listOf('GET /x ?a%26b&c%3D&d+e&match[]&%C3%A9&f%3Bg')
    const matching = [
      '?a%26b=1',
      '?c%3d=1',
      '?d+e',
      '?d%20e',
      '?match[]=1&match%5B%5D=2',
      '?%c3%a9',
      '?f%3bg',
    ]
    assertMatches(
      allows,
      matching.map((query) => `/x${query}`),
      ['/x?a&b', '/x?c', '/x?d', '/x?match', '/x?f;g'],
    )
  })

  it('are none with ? alone, and any without it', () => {
    assertMatches(listOf('GET /x ?'), ['/x', '/x?'], ['/x?a', '/x?&', '/x?=', '/x?;'])
    assertMatches(listOf('GET /x'), ['/x', '/x?', '/x?a=b', '/x?&;=%zz'], [])
  })

  it('are checked in the absolute form too', () => {
    assertMatches(
      listOf('GET / ?a'),
      ['http://a', 'http://a?a', 'http://a/?a=1'],
      ['http://a?b', 'http://a/?b'],
    )
  })

  it('are those of one rule: another for the same path may allow others', () => {
    assertMatches(listOf('GET /x ?a', 'GET /x ?b'), ['/x?a', '/x?b'], ['/x?a&b'])
  })

  it('are told by the first that does not pass', () => {
    const list = new AllowList(rulesOf('PUT /x ?b', 'GET /x ?a'))
    assert.equal(list.refusedName('GET', targetIn('/x?a&b=1&c')), 'b')
    assert.equal(list.refusedName('PUT', targetIn('/x?b&c')), 'c')
    assert.equal(list.refusedName('GET', targetIn('/y?a')), null)
    assert.equal(list.refusedName('GET', targetIn(`/x?${'n'.repeat(500)}`)), `${'n'.repeat(128)}…`)
  })
})
