import type { Part, Random } from './random.ts'

const CHUNK_END: Part = [['\r\n'], ['\n', '\r', '', '\r\r\n', '\n\n', ' \r\n', '\0\r\n', '\t\r\n']]
const EXTENSION: Part = [
  ['', '', '', ';a', ';a=b', ';a="b c;\\"d"', ';a=b;c;d="e"'],
  [
    ';',
    '; a="b"',
    ' ;a',
    ';a=\n',
    ';a=\rb',
    ';\x01',
    ';\xff',
    `;${'a'.repeat(300)}`,
    ',',
    '\t',
    ';a=',
    ';="b"',
    ';a="b',
    ';a="b"c',
    ';a b',
    ';a="\n"',
    ';a="\\\r"',
    ';;',
  ],
]
const TRAILER: Part = [
  ['', '', 'A: b\r\n', 'X-Sum: 1\r\nB:\r\n', `${'L'.repeat(70)}: 1\r\n`, 'X_Y: 1\r\nA: b\r\n'],
  [
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'A : b\r\n',
    ' A: b\r\n',
    'A\r\n',
    'A: b\n',
    ': b\r\n',
    'Host: e\r\n',
    'A: \0\r\n',
    'A: b\r\n c\r\n',
  ],
]

/** Encodes `body` in one or two chunks with extensions and trailers, from valid to badly broken, in latin1. */
export function chunksOf(random: Random, body: string): string {
  const cut = random.below(body.length + 1)
  const pieces = [body.slice(0, cut), body.slice(cut)].filter((piece) => piece.length > 0)
  const line = (size: string) => size + random.either(...EXTENSION) + random.either(...CHUNK_END)
  const chunks = pieces.map(
    (piece) => line(sizeOf(random, piece.length)) + piece + random.either(...CHUNK_END),
  )
  return `${chunks.join('')}${line(random.either(['0', '00'], ['0x0', '', '-0', '1']))}${random.either(...TRAILER)}${random.either(...CHUNK_END)}`
}

function sizeOf(random: Random, length: number): string {
  const hex = length.toString(16)
  const odd = [
    `0x${hex}`,
    `+${hex}`,
    ` ${hex}`,
    `${hex} `,
    `-${hex}`,
    `${hex}g`,
    'f'.repeat(17),
    '80000000',
    `000000000000${hex}`,
    '',
    `\n${hex}`,
    `${length + 1}`,
    `${hex}\0`,
  ]
  return random.either([hex, `0${hex}`, hex.toUpperCase()], odd)
}
