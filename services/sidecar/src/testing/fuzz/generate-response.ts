import { chunksOf } from './generate-chunks.ts'
import { mutate } from './mutate.ts'
import type { Part, Random } from './random.ts'

const STATUS_LINE: Part = [
  [
    'HTTP/1.1 200 OK',
    'HTTP/1.1 200 OK',
    'HTTP/1.1 404 Not Found',
    'HTTP/1.1 304 Not Modified',
    'HTTP/1.1 204 No Content',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 500 \xe9',
    'HTTP/1.1 200 ',
    'HTTP/1.1 200',
  ],
  [
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 101 Switching',
    'HTTP/1.1 99 Odd',
    'HTTP/1.1 600 Odd',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/2 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200\0',
    'ICY 200 OK',
    '',
    'HTTP/1.1 200 \x01',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 200OK',
  ],
]
const LINE_END: Part = [['\r\n'], ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\t\r\n', '\0\r\n', '']]
const OTHER: Part = [
  [
    'A: b',
    'Content-Type: text/plain',
    'Date: x',
    'Server: y',
    'Connection: keep-alive',
    'Connection: close',
    'Keep-Alive: timeout=5, max=9',
    'Set-Cookie: a=b',
    'Set-Cookie: c=d',
    'X-Long: '.padEnd(200, 'x'),
    'Trailer: A',
    'Upgrade: h2c',
    'Connection: X-A',
    'X-A: 1',
    'A: \xe9',
    'A:',
    'X_Y: z',
  ],
  [
    'Connection: Content-Length',
    'A : b',
    ' folded',
    '\tfolded',
    'A: \0',
    'No colon',
    ': empty',
    'A: b\rC: d',
    'A\t: b',
    'Content-Length: 1',
    'Transfer-Encoding: chunked',
    'Content_Length: 1',
  ],
]
const CODING: Part = [
  ['Transfer-Encoding: chunked', 'transfer-encoding: Chunked'],
  [
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding:\x0bchunked',
    'Transfer-Encoding: chunked\t',
    'Transfer-Encoding: xchunked',
  ],
]

/** Generates an optional interim response and one or two responses, from valid to badly broken, in latin1. */
export function generateResponse(random: Random): string {
  random.seldom = random.pick([0, 60, 20, 8, 3])
  const interim = random.chance(10) ? 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n' : ''
  const text = interim + oneResponse(random) + (random.chance(8) ? oneResponse(random) : '')
  return random.chance(3) ? mutate(random, text) : text
}

function oneResponse(random: Random): string {
  const framing = random.either(['length', 'chunked', 'none'], ['both'])
  const body = 'y'.repeat(random.below(30))
  const length = `Content-Length: ${random.either([`${body.length}`, `0${body.length}`], [`${body.length + 1}`, '-1', '', '1, 1', '9'.repeat(20), '+1'])}`
  const framings = {
    length: [length],
    chunked: [random.either(...CODING)],
    none: [],
    both: [length, random.either(...CODING)],
  }
  const lines = [...framings[framing as keyof typeof framings]]
  for (let left = random.below(4); left > 0; left--)
    lines.splice(random.below(lines.length + 1), 0, random.either(...OTHER))
  const head = [random.either(...STATUS_LINE), ...lines, '']
    .map((line) => line + random.either(...LINE_END))
    .join('')
  return head + (framing === 'chunked' ? chunksOf(random, body) : body)
}
