import { chunksOf } from './generate-chunks.ts'
import { mutate } from './mutate.ts'
import type { Part, Random } from './random.ts'

const METHOD: Part = [
  ['GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH'],
  ['get', 'CONNECT', 'TRACE', 'XYZ', '', 'GET\t', 'G'.repeat(40)],
]
const SPACE: Part = [[' '], ['  ', '\t', '\x0b', '', '\xa0']]
const TARGET: Part = [
  [
    '/a',
    '/',
    '/a?b=c',
    '/a/b%20c',
    'http://h/a',
    'http://h',
    'http://h?x',
    'HTTP://H/a?x',
    '//a',
    '/a;b',
    '/a?"<>[]^`{|}',
    '/...',
    '/a?',
    '/%61%7e?%61',
    '/a[0]|b^c',
    '/%c3%A9/b',
    'http://h/%2d?%2d',
    '/%2561',
    '/a%3b%40',
  ],
  [
    '*',
    'http://[',
    'http://h:99999/',
    'https://h/a',
    'http://other/a',
    '/a/../b',
    '/%2e%2e/b',
    '/a%2fb',
    '/%2F..',
    '/..%3b/a',
    '/%2e%3F',
    '/%c0%aE/a',
    '/a%5c..',
    '/%%32e',
    '/%00',
    '/a{b}"<>`',
    '/a b',
    '/a#b',
    '/a?b#c',
    '/\x80',
    'a',
    '',
    '?a',
    'http://u@h/a',
    '/..;/a',
    '/a\0',
    '/a\x7f',
    '/a?\xff',
    'http:///a',
    'h:80',
  ],
]
/** Pieces of paths that servers read in different ways. */
const PATH_PIECES =
  '/ / . .. %2e %2E %2f %2F %5c \\ ; %3b %3F %23 %c0%ae %C1%9c %e0%80%af a A %61 %7e %25 %2 % %00 %20 [ ] | ^ { ? & = + %C3%a9 %E9'.split(
    ' ',
  )

function pathOf(random: Random): string {
  let path = '/'
  for (let left = random.below(8); left > 0; left--) path += random.pick(PATH_PIECES)
  return path
}

const VERSION: Part = [
  ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'],
  ['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', '', 'HTTP/1.10', 'HTTP/1,1'],
]
const LINE_END: Part = [['\r\n'], ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\t\r\n', '\0\r\n', '\r\n\n', '']]
const HOST: Part = [
  ['Host: h', 'host:h', 'Host:\th ', 'HOST: H'],
  ['Host: h:80', 'Host: a b', 'Host: a/b', 'Host:', 'Host : h', 'X: y', 'Host: h, h'],
]
const OTHER: Part = [
  [
    'A: b',
    'Accept: */*',
    `X-Long: ${'x'.repeat(300)}`,
    'Connection: keep-alive',
    'Connection: X-A, A',
    'X-A: 1',
    'Connection: ,close,,',
    'Keep-Alive: 5',
    'Proxy-Connection: close',
    'TE: trailers',
    'Trailer: X',
    'Expect: 100-continue',
    'X-Forwarded-For: 1.2.3.4',
    'Forwarded: for=1',
    'X-Request-Id: abc',
    'X-Request-Id: a b',
    'Cookie: a=b',
    'A: \xe9',
    'A:',
    'A:   ',
    'Content-Encoding: gzip',
    'Transfer-Encoding-X: chunked',
    'Content-Length-X: 5',
    'A: "\t"',
    'a:b',
    "!#$%&'*+-.^_`|~9z: odd",
    'SCRIPT_NAME: /a',
    'X-Forwarded-User: u',
    'X.Original.URL: /b',
    'X-HTTP-Method-Override: PUT',
    'Remote_User: u',
    'Upgrade: h2c, TLS/1.2',
    'Max-Forwards: 3',
    'Date: x',
  ],
  [
    'Connection: Content-Length',
    'Connection: transfer-encoding',
    'Connection: host',
    'Connection: "close"',
    'Connection: close keep-alive',
    'Upgrade: websocket',
    'Max-Forwards: x',
    'Content.Length: 5',
    'Expect: 200',
    'X_Forwarded_For: 1',
    ': empty',
    'No colon',
    ' folded: b',
    '\tfolded',
    'A\0: b',
    'A: b\0',
    'A: \x01',
    'Host: h',
    'Content-Length\xa0: 5',
    'A: b\rC: d',
    'A\t: b',
    'A: \x7f',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    '\xffA: b',
    'A(): b',
    '\r',
  ],
]
const LENGTH_NAME: Part = [
  ['Content-Length: ', 'content-length:', 'Content-Length:\t', 'CONTENT-LENGTH: '],
  [
    'Content-Length : ',
    'Content_Length: ',
    ' Content-Length: ',
    'Content-Length\t:',
    'Content-\0Length: ',
    'Content-Length\r\n : ',
  ],
]
const CODING: Part = [
  [
    'Transfer-Encoding: chunked',
    'transfer-encoding:chunked',
    'Transfer-Encoding: Chunked ',
    'TRANSFER-ENCODING:\tCHUNKED',
  ],
  [
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding:\x0bchunked',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked\0',
    'Transfer-Encoding: ,chunked',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunk',
    'Transfer-Encoding: \xa0chunked',
    'Transfer-Encoding: chunked;a=b',
    'Transfer-Encoding:',
  ],
]

type Framing = 'none' | 'length' | 'chunked' | 'both'

/** Generates one or more requests, from valid to badly broken, in latin1. */
export function generateRequests(random: Random): string {
  random.seldom = random.pick([0, 60, 20, 8, 3])
  let text = ''
  do text += generateRequest(random)
  while (random.chance(3))
  return random.chance(3) ? mutate(random, text) : text
}

function generateRequest(random: Random): string {
  const framing = random.either<Framing>(['none', 'length', 'chunked'], ['both'])
  const body = random.chance(8) ? 'GET /evil HTTP/1.1\r\nHost: e\r\n\r\n' : 'x'.repeat(random.below(20))
  const lines = [random.either(...HOST), ...framingLines(random, framing, body.length)]
  for (let left = random.below(4); left > 0; left--)
    lines.splice(random.below(lines.length + 1), 0, random.either(...OTHER))
  const words = [
    random.either(...METHOD),
    random.either(...SPACE),
    random.chance(4) ? pathOf(random) : random.either(...TARGET),
    random.either(...SPACE),
    random.either(...VERSION),
  ]
  const head = [words.join(''), ...lines, ''].map((line) => line + random.either(...LINE_END)).join('')
  return (random.chance(20) ? '\r\n' : '') + head + bodyOf(random, framing, body)
}

function framingLines(random: Random, framing: Framing, length: number): string[] {
  const lengthLine = () => random.either(...LENGTH_NAME) + lengthText(random, length)
  if (framing === 'none') return []
  if (framing === 'length') return [lengthLine()]
  if (framing === 'chunked') return [random.either(...CODING)]
  return [lengthLine(), random.pick([lengthLine(), random.either(...CODING)])]
}

function lengthText(random: Random, length: number): string {
  const odd = [
    `${length + 1}`,
    `${length - 1}`,
    `+${length}`,
    `-${length}`,
    `0x${length.toString(16)}`,
    `${length}, ${length}`,
    '',
    '9'.repeat(20),
    `${length}\0`,
    `${length};`,
    `"${length}"`,
    `${length}.0`,
    `${length}e0`,
    '0',
    `${length} ${length}`,
  ]
  return random.either([`${length}`, `0${length}`, `${length} `, `${length}\t`], odd)
}

function bodyOf(random: Random, framing: Framing, body: string): string {
  if (framing === 'none') return ''
  return framing === 'chunked' || (framing === 'both' && random.chance(2)) ? chunksOf(random, body) : body
}
