import { type Attack, chunked, forwarded, refused } from './attack.ts'

const FUNKY = 'Weikop: Funky chunks, abusing ambiguous chunk line terminators (2025)'
const PROBE = 'MDA2AV Http11Probe, smuggling suite'
const LLHTTP = 'nodejs/llhttp test/request/transfer-encoding.md'
const RFC_7_1 = 'RFC 9112 section 7.1'

/** Chunk sizes, extensions, line ends and trailers that parsers read in different ways. */
export const CHUNKS: readonly Attack[] = [
  refused(
    'TERM.EXT: LF in an extension',
    FUNKY,
    chunked('2;\nxx\r\n4c\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n0\r\n\r\n'),
  ),
  refused('EXT.TERM: LF that ends a size', FUNKY, chunked('5;a=b\nhello\r\n0\r\n\r\n')),
  refused('TERM.SPILL: LF after data', FUNKY, chunked('5\r\nhello\n0\r\n\r\n')),
  refused('SPILL.TERM: two bytes after data, whatever they are', FUNKY, chunked('5\r\nhelloXX0\r\n\r\n')),
  refused('one byte after data', FUNKY, chunked('5\r\nhello0\r\n\r\n')),
  refused('CR in an extension', FUNKY, chunked('5;\rxx\r\nhello\r\n0\r\n\r\n')),
  refused(
    'LF in an extension',
    'CVE-2025-55315 (Kestrel), CVE-2025-58056 (Netty)',
    chunked('1;a\n\r\nx\r\n0\r\n\r\n'),
  ),
  refused('LF that ends a size', 'CVE-2025-22871 (Go)', chunked('5\nhello\r\n0\r\n\r\n')),
  refused('an end of data that is not CRLF', 'CVE-2025-43859 (h11)', chunked('5\r\nhelloab0\r\n\r\n')),
  refused('CR that ends a size', PROBE, chunked('5\rhello\r\n0\r\n\r\n')),
  refused('LF that ends the trailers', PROBE, chunked('5\r\nhello\r\n0\r\n\n')),
  refused('LF that ends the last size', PROBE, chunked('5\r\nhello\r\n0\n\r\n')),
  refused('LF that ends a trailer', FUNKY, chunked('0\r\nA: b\n\r\n')),
  refused('NUL in an extension', PROBE, chunked('5;\0ext\r\nhello\r\n0\r\n\r\n')),
  refused('an extension without a name', LLHTTP, chunked('2;\r\naa\r\n0\r\n\r\n')),
  refused('an extension without a semicolon', LLHTTP, chunked('2 erfrferferf\r\naa\r\n0 rrrr\r\n\r\n')),
  refused('an extension with a broken quote', LLHTTP, chunked('5;a="abc";b="def; ghi\r\nhello\r\n0\r\n\r\n')),
  refused(
    'an extension without end',
    'CVE-2024-22019 (Node.js), CVE-2023-39326 (Go)',
    chunked(`1;${'a'.repeat(5_000)}\r\nx\r\n0\r\n\r\n`),
  ),
  refused(
    'a size of 2^64 + 5',
    'CVE-2013-2028 (nginx), CVE-2015-3183 (Apache)',
    chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'),
  ),
  refused('a size past every memory', RFC_7_1, chunked('FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n')),
  refused('a negative size', RFC_7_1, chunked('-5\r\nhello\r\n0\r\n\r\n')),
  refused('a size with a plus', RFC_7_1, chunked('+5\r\nhello\r\n0\r\n\r\n')),
  refused('a size with 0x', 'CVE-2022-24761 (waitress), lenient int()', chunked('0x5\r\nhello\r\n0\r\n\r\n')),
  refused('a size with _', 'lenient int() of Python', chunked('0_5\r\nhello\r\n0\r\n\r\n')),
  refused('a space before a size', PROBE, chunked(' 5\r\nhello\r\n0\r\n\r\n')),
  refused('a space after a size', PROBE, chunked('5 \r\nhello\r\n0\r\n\r\n')),
  refused('a tab after a size', PROBE, chunked('5\t\r\nhello\r\n0\r\n\r\n')),
  refused('no size', RFC_7_1, chunked('\r\nhello\r\n0\r\n\r\n')),
  refused('digits past hexadecimal', RFC_7_1, chunked('5g\r\nhello\r\n0\r\n\r\n')),
  refused('leading zeros without end', PROBE, chunked(`${'0'.repeat(40)}5\r\nhello\r\n0\r\n\r\n`)),
  refused('a trailer that is a length', 'RFC 9110 section 6.5.1', chunked('0\r\nContent-Length: 5\r\n\r\n')),
  refused(
    'a trailer that is a coding',
    'RFC 9110 section 6.5.1',
    chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  ),
  refused('a trailer that is a host', 'RFC 9110 section 6.5.1', chunked('0\r\nHost: evil\r\n\r\n')),
  refused(
    'a trailer that is credentials',
    'RFC 9110 section 6.5.1',
    chunked('0\r\nAuthorization: Basic eDp5\r\n\r\n'),
  ),
  refused(
    'a trailer that says where a request came from',
    'RFC 9110 section 6.5.1',
    chunked('0\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n'),
  ),
  refused('a folded trailer', 'RFC 9112 section 5.2', chunked('0\r\nA: b\r\n c\r\n\r\n')),
  refused('a request where trailers stand', FUNKY, chunked('0\r\nGET /smuggled HTTP/1.1\r\n\r\n')),
  forwarded('extensions as they should be', RFC_7_1, chunked('5;a;b=c;d="e f;\\"g"\r\nhello\r\n0;x\r\n\r\n')),
  forwarded('a size of several zeros at the end', LLHTTP, chunked('5\r\nhello\r\n000\r\n\r\n')),
  forwarded('a trailer that is harmless', RFC_7_1, chunked('5\r\nhello\r\n0\r\nVary: *\r\n\r\n')),
]
