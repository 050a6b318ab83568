import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { examinePath, HAS_ENCODED_SLASH, IS_CHANGED, normalPath, PATH_FAULT } from './normal-path.ts'

function examine(path: string): number {
  const bytes = Buffer.from(`.${path}/..`)
  return examinePath(bytes, 1, 1 + path.length)
}

describe('a path is refused because it means two things when it has', () => {
  const cases: Record<string, [RegExp, string[]]> = {
    'a dot segment': [
      /dot segment/,
      ['/.', '/..', '/./a', '/../', '/a/..', '/a/../b', '/a/./b', '//..', '/.../..'],
    ],
    'an escaped dot segment': [
      /dot segment/,
      ['/%2e', '/%2E%2E/a', '/.%2e/a', '/%2e./a', '/a/.%2E', '/a/%2e/'],
    ],
    'a dot segment with a parameter': [
      /dot segment/,
      ['/..;/a', '/.;x', '/%2e%2e;x/a', '/..%3bx/a', '/a/..%3B'],
    ],
    'a dot segment beside an encoded slash': [
      /dot segment/,
      ['/%2F..', '/a%2f..%2fb', '/..%2Fa', '/.%2fa', '/a%2F%2e%2e/b', '/%2F.'],
    ],
    'a dot segment before an escaped query or fragment': [
      /dot segment/,
      ['/..%3Fa', '/.%23', '/a/%2e%2e%3f'],
    ],
    'a backslash or a control character': [
      /backslash or control/,
      ['/a%5Cb', '/..%5c', '/%5C..', '/a%00', '/a%0D%0A', '/a%7F', '/%1f', '/%09'],
    ],
    'a % without two digits': [
      /hexadecimal/,
      ['/%', '/%4', '/%zz', '/a%', '/%2', '/%u002e', '/%%32%65', '/%2%65'],
    ],
    'an overlong encoding': [
      /longer than UTF-8/,
      ['/%C0%AE', '/%c0%ae%c0%ae/a', '/%c0%af', '/%C1%9C', '/%E0%80%AE', '/%F0%80%80%AE', '/%e0%80%af'],
    ],
  }
  for (const [what, [fault, paths]] of Object.entries(cases))
    it(what, () => {
      for (const path of paths) assert.match(PATH_FAULT[examine(path)] ?? 'no fault', fault, path)
    })
})

describe('a path is in its normal form', () => {
  it('with dots inside a segment, percent-encoding that is needed, and empty segments', () => {
    for (const path of [
      '/',
      '/...',
      '/.well-known/x',
      '/a..b',
      '/a.',
      '/a/..b',
      '/a;b=c',
      '/%C3%A9',
      '/caf%E9',
      '/%C0',
      '/%E0%A0%80',
      '/%F0%9F%98%80',
      '/a%20b',
      '/a//b',
      '/%25',
      '/%252e%252e/a',
      '/%3B',
      '/a%3F%23',
      "/!$&'()*+,;=:@",
    ])
      assert.equal(examine(path), 0, path)
  })

  it('and an encoded slash is reported', () => {
    assert.equal(examine('/a%2Fb'), HAS_ENCODED_SLASH)
    assert.equal(examine('/a%2fb'), HAS_ENCODED_SLASH | IS_CHANGED)
  })
})

describe('the normal form of a path', () => {
  for (const [written, expected] of [
    ['/%61%7E%2d%5f/b', '/a~-_/b'],
    ['/%c3%a9', '/%C3%A9'],
    ['/a[0]|b^c', '/a%5B0%5D%7Cb%5Ec'],
    ['/a%5b0]', '/a%5B0%5D'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%2eb', '/a.b'],
    ['/%2e%2e%2e', '/...'],
    ['/%2561', '/%2561'],
    ['/%3a%40:@%3b;', '/%3A%40:@%3B;'],
    ['/%20%22%3c%e2%82%ac', '/%20%22%3C%E2%82%AC'],
  ] as const)
    it(`of ${written} is ${expected}, and that of ${expected} itself`, () => {
      const bytes = Buffer.from(written)
      assert.equal(examine(written) & IS_CHANGED, written === expected ? 0 : IS_CHANGED)
      assert.equal(normalPath(bytes, 0, bytes.length).toString('latin1'), expected)
      assert.equal(examine(expected) & ~HAS_ENCODED_SLASH, 0)
    })
})
