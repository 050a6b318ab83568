import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AllowRule, formatRule, isClientName, parseRule } from './rule.ts'

function ruleOf(text: string): AllowRule {
  const rule = parseRule(text)
  assert.ok(typeof rule !== 'string', `${text}: ${rule}`)
  return rule
}

const PLAIN = { long: false, clients: [] }

describe('the text of a rule', () => {
  it('is methods and a path, for any query and everybody', () => {
    assert.deepEqual(parseRule('GET /metrics'), { ...PLAIN, methods: ['GET'], path: '/metrics' })
    assert.deepEqual(parseRule('GET|POST /visits'), { ...PLAIN, methods: ['GET', 'POST'], path: '/visits' })
    assert.deepEqual(parseRule('OPTIONS *'), { ...PLAIN, methods: ['OPTIONS'], path: '*' })
  })

  it('may have names of the query, a protocol, long and clients, in this order', () => {
    const text = 'GET|POST /{version}/x/* ?fields&page upgrade websocket long for mesh grafana'
    assert.deepEqual(parseRule(text), {
      methods: ['GET', 'POST'],
      path: '/{version}/x/*',
      query: ['fields', 'page'],
      upgrade: 'websocket',
      long: true,
      clients: ['mesh', 'grafana'],
    })
    assert.deepEqual(ruleOf('GET /events long'), { ...PLAIN, methods: ['GET'], path: '/events', long: true })
    assert.deepEqual(ruleOf('GET /a for b').clients, ['b'])
    assert.deepEqual(ruleOf('GET /a ?').query, [])
    assert.equal(ruleOf('GET /a upgrade HTTP/2.0').upgrade, 'HTTP/2.0')
    assert.equal(ruleOf('GET /long/for/upgrade').path, '/long/for/upgrade')
  })

  it('has the names of its query decoded', () => {
    assert.deepEqual(ruleOf('GET /a ?a%26b&%61b&c+d&e%3D&match[]&%C3%A9').query, [
      'a&b',
      'ab',
      'c d',
      'e=',
      'match[]',
      'é',
    ])
  })

  it('has its path in normal form, however it was written', () => {
    for (const [written, path] of [
      ['/%61%7e', '/a~'],
      ['/queues/%2f/*', '/queues/%2F/*'],
      ['/caf%c3%a9/{id}', '/caf%C3%A9/{id}'],
      ['/a[1]|b^', '/a%5B1%5D%7Cb%5E'],
      ['/%7Bid%7D', '/%7Bid%7D'],
      ['/a//b/', '/a//b/'],
      ['/*', '/*'],
      ['/{a}/{b_c-1.d}', '/{a}/{b_c-1.d}'],
    ])
      assert.equal(ruleOf(`GET ${written}`).path, path)
  })

  it('is given back by formatRule, in normal form', () => {
    for (const text of [
      'GET|POST /{version}/x/* ?fields&page upgrade websocket long for mesh grafana',
      'GET /a ?',
      'OPTIONS *',
      'GET /a ?a%26b&match[]&c%20d&%25 for x',
      'GET /queues/%2F/*',
    ])
      assert.equal(formatRule(ruleOf(text)), text)
  })
})

describe('a mistake in a rule says what is wrong', () => {
  const cases: Record<string, RegExp> = {
    '': /one space/,
    GET: /no path after "GET"/,
    '/a': /methods "\/a" must be in capital letters/,
    'get /a': /methods "get"/,
    'GET,POST /a': /methods "GET,POST"/,
    'GET| /a': /methods "GET\|"/,
    'GET a': /path "a" must begin with \//,
    'GET  /a': /one space/,
    'GET /a ': /one space/,
    'GET /a b': /"b" may not stand there; after the path may stand, in this order: \?NAME/,
    'GET /a?b': /space before the \?/,
    'GET /a/../b': /dot segment/,
    'GET /a/%2e%2E': /dot segment/,
    'GET /..;x/{id}': /dot segment/,
    'GET /a%5Cb': /backslash/,
    'GET /a%00': /control character/,
    'GET /%zz': /hexadecimal/,
    'GET /é': /percent-encoding, such as "\/%C3%A9"/,
    'GET /a\\b': /percent-encoding, such as "\/a%5Cb"/,
    'GET /*/a': /\* only after the last \//,
    'GET /a*': /\* only after the last \//,
    'GET /a/**': /\* only after the last \//,
    'GET /a{id}': /"a\{id\}" in its path must be \{name\} alone/,
    'GET /{id}x/a': /"\{id\}x" in its path/,
    'GET /{}': /"\{\}"/,
    'GET /{id:[0-9]+}': /no regular expressions/,
    'GET /{a}{b}': /\{name\} alone/,
    'GET /}': /"\}"/,
    'GET /a ?b&&c': /empty name/,
    'GET /a ?b=c': /"b=c" in its query has "="/,
    'GET /a ?b;c': /has ";"/,
    'GET /a ?b&b': /names "b" twice/,
    'GET /a ?b&%62': /names "b" twice/,
    'GET /a ?%zz': /escape of UTF-8/,
    [`GET /a ?${Array.from({ length: 33 }, (_, i) => `n${i}`).join('&')}`]: /33 names/,
    'GET /a ?b ?c': /"\?c" may not stand there/,
    'GET /a upgrade': /name of a protocol/,
    'GET /a upgrade long': /name of a protocol/,
    'GET /a upgrade web,socket': /"web,socket" after upgrade must be a token/,
    'GET /a long upgrade x': /"upgrade" may not stand there/,
    'GET /a long long': /"long" may not stand there/,
    'GET /a long ?b': /"\?b" may not stand there/,
    'GET /a for': /name of a client/,
    'GET /a for b long': /"long" after for is a keyword/,
    'GET /a for upgrade': /"upgrade" after for is a keyword/,
    'GET /a for for': /"for" after for is a keyword/,
    'GET /a for Mesh': /client "Mesh" after for/,
    'GET /a for 1a': /client "1a"/,
    'GET /a for a,b': /client "a,b"/,
    'GET /a for a a': /client "a" twice/,
  }
  for (const [text, expected] of Object.entries(cases))
    it(JSON.stringify(text.slice(0, 60)), () => assert.match(`${parseRule(text)}`, expected))

  it('keeps the quoted part short', () => {
    assert.ok(`${parseRule(`GET ${'a'.repeat(10_000)}`)}`.length < 200)
  })
})

it('the name of a client is lower-case letters, digits and -, and no keyword', () => {
  for (const name of ['a', 'prometheus', 'a-1', 'fort']) assert.ok(isClientName(name), name)
  for (const name of ['', 'A', '1', '-a', 'a_b', 'for', 'long', 'upgrade', 'a b', 'a'.repeat(64)])
    assert.ok(!isClientName(name), name)
})
