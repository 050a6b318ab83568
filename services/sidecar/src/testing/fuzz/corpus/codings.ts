import { type Attack, clTe, forwarded, odd, post, refused, teCl } from './attack.ts'

const REBORN = 'Kettle: HTTP Desync Attacks, Request Smuggling Reborn (2019)'
const SMUGGLER = 'PortSwigger http-request-smuggler, DesyncBox'
const KLEIN = 'Klein: HTTP Request Smuggling in 2020'
const PROBE = 'MDA2AV Http11Probe, smuggling suite'
const LLHTTP = 'nodejs/llhttp test/request/transfer-encoding.md'
const SPECIAL = { NUL: '\0', tab: '\t', 'vertical tab': '\x0b', 'form feed': '\x0c', CR: '\r', DEL: '\x7f' }

/** Transfer-Encoding fields in an unusual form, or together with a length. */
export const CODINGS: readonly Attack[] = [
  refused('CL.TE', REBORN, clTe('Transfer-Encoding: chunked')),
  refused('TE.CL', REBORN, teCl('Transfer-Encoding: chunked')),
  refused('TE.TE, second unknown', REBORN, teCl('Transfer-Encoding: chunked', 'Transfer-Encoding: cow')),
  refused('TE.TE, first unknown', REBORN, teCl('Transfer-Encoding: cow', 'Transfer-Encoding: chunked')),
  refused(
    'TE twice',
    'CVE-2020-8287 (Node.js)',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked-false'], '0\r\n\r\n'),
  ),
  refused('xchunked', REBORN, clTe('Transfer-Encoding: xchunked')),
  refused(
    'space before the colon',
    'CVE-2019-16276 (Go), CVE-2021-22959 (Node.js)',
    clTe('Transfer-Encoding : chunked'),
  ),
  refused('tab before the colon', REBORN, odd('Transfer-Encoding\t: chunked')),
  refused('tab after the colon, with a length', REBORN, clTe('Transfer-Encoding:\tchunked')),
  refused('space before the name', 'CVE-2020-7238 (Netty)', clTe(' Transfer-Encoding: chunked')),
  refused('name on the line after LF (X: X[LF]TE)', REBORN, odd('X: X\nTransfer-Encoding: chunked')),
  refused('value on the next line', 'CVE-2022-32215 (Node.js)', odd('Transfer-Encoding:\r\n chunked')),
  refused('name and colon on two lines', REBORN, odd('Transfer-Encoding\r\n : chunked')),
  refused('vertical tab before chunked', 'CVE-2019-18277 (HAProxy)', odd('Transfer-Encoding:\x0bchunked')),
  refused('linewrapped1', SMUGGLER, odd('Transfer-Encoding:\n chunked')),
  refused('gareth1', SMUGGLER, odd('Transfer-Encoding\n : chunked')),
  refused('badsetupCR', SMUGGLER, odd('Foo: bar\rTransfer-Encoding: chunked')),
  refused('badsetupLF', SMUGGLER, odd('Foo: bar\nTransfer-Encoding: chunked')),
  refused('vertwrap', SMUGGLER, odd('Transfer-Encoding: \n\x0bchunked')),
  refused('tabwrap', SMUGGLER, odd('Transfer-Encoding: \r\n\tchunked')),
  refused('0dwrap', SMUGGLER, odd('Foo: bar\r\n\rTransfer-Encoding: chunked')),
  refused('0dspam', SMUGGLER, odd('Tra\rnsfer-Encoding: chunked')),
  refused('badwrap', SMUGGLER, 'POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: h\r\n\r\n0\r\n\r\n'),
  refused('bodysplit', SMUGGLER, odd('Foo: barn\n\nTransfer-Encoding: chunked')),
  refused('nameprefix1', SMUGGLER, odd('Foo: bar\r\n Transfer-Encoding: chunked')),
  refused('nameprefix2', SMUGGLER, odd('Foo: bar\r\n\tTransfer-Encoding: chunked')),
  refused('underjoin1', SMUGGLER, clTe('Transfer_Encoding: chunked')),
  refused('spacejoin1', SMUGGLER, clTe('Transfer Encoding: chunked')),
  refused(
    'connection',
    SMUGGLER,
    post(['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused('spjunk', KLEIN, clTe('Transfer-Encoding x: chunked')),
  refused(
    'Content-Length with junk in its name',
    KLEIN,
    post(['Content-Length abcde: 20', 'Content-Length: 0']),
  ),
  refused('backslash', KLEIN, clTe('Transfer\\Encoding: chunked')),
  refused('CR before a name', KLEIN, post(['\rContent-Length: 20', 'Content-Length: 0'])),
  refused('spaceFF', SMUGGLER, odd('Transfer-Encoding:\xffchunked')),
  refused('unispace', SMUGGLER, odd('Transfer-Encoding:\xa0chunked')),
  refused('commaCow', SMUGGLER, odd('Transfer-Encoding: chunked, identity')),
  refused('cowComma', SMUGGLER, odd('Transfer-Encoding: identity, chunked')),
  refused('nested', SMUGGLER, odd('Transfer-Encoding: identity, chunked, identity')),
  refused('quoted', SMUGGLER, odd('Transfer-Encoding: "chunked"')),
  refused('aposed', SMUGGLER, odd("Transfer-Encoding: 'chunked'")),
  refused(
    'dualchunk',
    SMUGGLER,
    post(['Transfer-Encoding: chunked', 'Transfer-encoding: identity'], '0\r\n\r\n'),
  ),
  refused(
    'revdualchunk',
    SMUGGLER,
    post(['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused('lazygrep', SMUGGLER, odd('Transfer-Encoding: chunk')),
  refused('0dsuffix', SMUGGLER, odd('Transfer-Encoding: chunked\r')),
  refused('tabsuffix', SMUGGLER, odd('Transfer-Encoding: chunked\t')),
  refused('accentTE', SMUGGLER, clTe('Transf\x82r-Encoding: chunked')),
  refused('accentCH', SMUGGLER, odd('Transfer-Encoding: ch\x96nked')),
  ...Object.entries(SPECIAL).flatMap(([name, byte]) => [
    refused(
      `prefix1 ${name}`,
      SMUGGLER,
      byte === '\t' ? clTe(`Transfer-Encoding: ${byte}chunked`) : odd(`Transfer-Encoding: ${byte}chunked`),
    ),
    refused(`suffix1 ${name}`, SMUGGLER, odd(`Transfer-Encoding: chunked${byte}`)),
  ]),
  refused('coding with a parameter', PROBE, odd('Transfer-Encoding: chunked;ext=val')),
  refused('empty coding beside a length', LLHTTP, post(['Transfer-Encoding:', 'Content-Length: 5'], 'hello')),
  refused(
    'three empty codings',
    LLHTTP,
    post(
      ['Content-Length: 10', 'Transfer-Encoding:', 'Transfer-Encoding:', 'Transfer-Encoding:'],
      '2\r\nAA\r\n0\r\n',
    ),
  ),
  refused('pigeons', LLHTTP, odd('Transfer-Encoding: pigeons')),
  refused(
    'Transfer-Encoding in HTTP/1.0',
    'RFC 9112 section 6.1',
    'POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  refused(
    'coding that ends in chunked letters',
    'CVE-2024-1135 (gunicorn)',
    odd('Transfer-Encoding: gzip,chunked'),
  ),
  refused(
    'chunked twice in one line',
    'CVE-2022-32213 (Node.js)',
    odd('Transfer-Encoding: chunked, chunked'),
  ),
  forwarded('UPPERCASE', SMUGGLER, post(['TRANSFER-ENCODING: CHUNKED'], '0\r\n\r\n')),
  forwarded('multiCase', SMUGGLER, post(['tRANSFER-ENCODING: chunked'], '0\r\n\r\n')),
  forwarded('nospace1', SMUGGLER, post(['Transfer-Encoding:chunked'], '0\r\n\r\n')),
  forwarded('valueprefix1', SMUGGLER, post(['Transfer-Encoding:  chunked'], '0\r\n\r\n')),
  forwarded('contentEnc', SMUGGLER, post(['Content-Encoding: chunked', 'Content-Length: 5'], 'hello')),
  forwarded('encode', SMUGGLER, post(['Transfer-%45ncoding: chunked', 'Content-Length: 5'], 'hello')),
]
