import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { examinePath, HAS_ENCODED_SLASH, IS_CHANGED, normalPath, PATH_FAULT } from './normal-path.ts'

/**
 * The normal form beside what servers make of a path: what passes must mean the same to each of them, before and after it
 * was brought to its normal form. The servers are models of their decoders; `relay/path-attacks.test.ts` has a real Express.
 */
const ESCAPES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).flatMap(
  (digits) => [...new Set([`%${digits}`, `%${digits.toUpperCase()}`])],
)

/** Each place that an escape may have: alone, beside dots, slashes, parameters, and other escapes. */
const PLACES: readonly ((code: string) => string)[] = [
  (code) => `/${code}`,
  (code) => `/a${code}b`,
  (code) => `/a/${code}/b`,
  (code) => `/a/${code}${code}/b`,
  (code) => `/a/.${code}/b`,
  (code) => `/a/${code}./b`,
  (code) => `/a/..${code}b`,
  (code) => `/a/..${code}..${code}b`,
  (code) => `/a${code}..`,
  (code) => `/a${code}../b`,
  (code) => `/a${code}%2e%2E/b`,
  (code) => `/a/;${code}/b`,
  (code) => `/a//${code}`,
  (code) => `/%25${code}`,
  (code) => `/%${code.slice(1)}${code.slice(1)}`,
  (code) => `/a/%c0${code}/b`,
  (code) => `/a/%e0${code}%ae/b`,
  (code) => `/a/%f0${code}%80%ae/b`,
]

const PATHS = ESCAPES.flatMap((code) => PLACES.map((place) => place(code)))

function examine(path: string): number {
  const bytes = Buffer.from(path, 'latin1')
  return examinePath(bytes, 0, bytes.length)
}

function normalOf(path: string): string {
  const bytes = Buffer.from(path, 'latin1')
  return normalPath(bytes, 0, bytes.length).toString('latin1')
}

/** `urllib.parse.unquote_to_bytes`, which gunicorn and other WSGI servers make PATH_INFO with. */
function unquoted(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Dot segments resolved as RFC 3986 section 5.2.4 has it. */
function resolved(path: string): string {
  const out: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') out.pop()
    else if (segment !== '.') out.push(segment)
  }
  return out.join('/')
}

/** For decoders that do not check UTF-8 (RFC 3629 section 10): two and three bytes may stand for ASCII. */
function laxly(text: string): string {
  return text
    .replace(/[\xc0\xc1][\x80-\xbf]/g, (two) =>
      String.fromCharCode(((two.charCodeAt(0) & 1) << 6) | (two.charCodeAt(1) & 63)),
    )
    .replace(/\xe0[\x80\x81][\x80-\xbf]/g, (three) =>
      String.fromCharCode(((three.charCodeAt(1) & 1) << 6) | (three.charCodeAt(2) & 63)),
    )
    .replace(/\xf0\x80[\x80\x81][\x80-\xbf]/g, (four) =>
      String.fromCharCode(((four.charCodeAt(2) & 1) << 6) | (four.charCodeAt(3) & 63)),
    )
}

/** What each kind of server sees in the place of a path. */
const SERVERS: Readonly<Record<string, (path: string) => string>> = {
  'one that decodes nothing': (path) => resolved(path),
  'one that decodes first, and then resolves': (path) => resolved(unquoted(path)),
  'one that decodes without checking UTF-8': (path) => resolved(laxly(unquoted(path))),
  'one on Windows, where a backslash separates too': (path) => resolved(unquoted(path).replaceAll('\\', '/')),
  'one in C, where NUL ends a string': (path) => resolved(unquoted(path).split('\0', 1)[0] ?? ''),
  'one that cuts parameters off each segment (Tomcat)': (path) => resolved(path.replace(/;[^/]*/g, '')),
  'one that decodes, cuts parameters and resolves': (path) => resolved(unquoted(path).replace(/;[^/]*/g, '')),
  'one that decodes before it looks for a query or fragment': (path) =>
    resolved(unquoted(path).split(/[?#]/, 1)[0] ?? ''),
}

/** The same without resolving: what it would look up if there were no dot segments. */
const DECODED: Readonly<Record<string, (path: string) => string>> = {
  'one that decodes nothing': (path) => path,
  'one that decodes first, and then resolves': unquoted,
  'one that decodes without checking UTF-8': (path) => laxly(unquoted(path)),
  'one on Windows, where a backslash separates too': (path) => unquoted(path).replaceAll('\\', '/'),
  'one in C, where NUL ends a string': unquoted,
  'one that cuts parameters off each segment (Tomcat)': (path) => path.replace(/;[^/]*/g, ''),
  'one that decodes, cuts parameters and resolves': (path) => unquoted(path).replace(/;[^/]*/g, ''),
  'one that decodes before it looks for a query or fragment': (path) =>
    unquoted(path).split(/[?#]/, 1)[0] ?? '',
}

const passing = PATHS.filter((path) => examine(path) >= 0)

describe('each escape in each place', () => {
  it('is either refused with a reason or has a normal form, which is its own normal form', () => {
    assert.ok(passing.length > 1_000 && passing.length < PATHS.length - 1_000)
    for (const path of PATHS) {
      const found = examine(path)
      if (found < 0) assert.ok(PATH_FAULT[found] !== undefined, path)
      else {
        const normal = normalOf(path)
        assert.equal(examine(normal) & IS_CHANGED, 0, `${path} → ${normal}`)
        assert.equal(normalOf(normal), normal)
        assert.equal((found & IS_CHANGED) !== 0, normal !== path, path)
      }
    }
  })

  it('decodes to the same bytes before and after', () => {
    for (const path of passing) assert.equal(unquoted(normalOf(path)), unquoted(path), path)
  })

  for (const [server, seen] of Object.entries(SERVERS)) {
    it(`climbs nowhere that the rule did not see: ${server}`, () => {
      const decode = DECODED[server]
      assert.ok(decode)
      for (const path of passing) assert.equal(seen(path), decode(path), `${path} has a dot segment`)
    })

    it(`means the same before and after: ${server}`, () => {
      if (server === 'one that decodes nothing' || server.includes('Tomcat')) return
      for (const path of passing) assert.equal(seen(normalOf(path)), seen(path), path)
    })
  }

  it('has as many segments as the rule sees, unless it has %2F', () => {
    for (const path of passing) {
      if ((examine(path) & HAS_ENCODED_SLASH) !== 0) assert.match(path, /%2f/i)
      else assert.equal(unquoted(path).split('/').length, normalOf(path).split('/').length, path)
    }
  })

  it('is what the WHATWG URL of browsers, fetch and Node makes of the normal form: itself', () => {
    for (const path of passing) {
      const normal = normalOf(path)
      assert.equal(new URL(`http://h${normal}`).pathname, normal)
    }
  })

  it('is refused where the WHATWG URL would resolve a dot segment', () => {
    for (const path of PATHS) {
      const { pathname } = new URL(`http://h${path}`)
      if (pathname.split('/').length < path.split('/').length) assert.ok(examine(path) < 0, path)
    }
  })

  it('decodes with decodeURIComponent (Express, Fastify) to the same before and after, or to nothing both times', () => {
    const decoded = (path: string) => {
      try {
        return decodeURIComponent(path)
      } catch {
        return null
      }
    }
    for (const path of passing) assert.equal(decoded(normalOf(path)), decoded(path), path)
  })
})
