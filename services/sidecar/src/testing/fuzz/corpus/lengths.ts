import { type Attack, forwarded, post, refused } from './attack.ts'

const WATCHFIRE = 'Linhart, Klein, Heled, Orrin: HTTP Request Smuggling (2005)'
const PROBE = 'MDA2AV Http11Probe, smuggling suite'
const RFC_6_3 = 'RFC 9112 section 6.3'

/** Content-Length fields that are repeated or in an unusual form. */
export const LENGTHS: readonly Attack[] = [
  refused(
    'two lengths that differ',
    WATCHFIRE,
    post(['Content-Length: 0', 'Content-Length: 44'], 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'),
  ),
  refused('two lengths that agree', RFC_6_3, post(['Content-Length: 5', 'Content-Length: 5'], 'hello')),
  refused('a list of lengths that differ', RFC_6_3, post(['Content-Length: 5, 6'], 'hello')),
  refused('a list of lengths that agree', RFC_6_3, post(['Content-Length: 5, 5'], 'hello')),
  refused(
    'an empty length beside one',
    'CVE-2023-40225 (HAProxy)',
    post(['Content-Length:', 'Content-Length: 5'], 'hello'),
  ),
  refused('a length with a sign', PROBE, post(['Content-Length: +5'], 'hello')),
  refused('a negative length', PROBE, post(['Content-Length: -5'], 'hello')),
  refused('a hexadecimal length', PROBE, post(['Content-Length: 0x5'], 'hello')),
  refused('a length with a separator', PROBE, post(['Content-Length: 1_0'], 'hellohello')),
  refused(
    'a length with a space in it',
    'CVE-2018-7159 (Node.js)',
    post(['Content-Length: 1 0'], 'hellohello'),
  ),
  refused(
    'a length that overflows',
    'RFC 9110 section 8.6, integers that wrap',
    post(['Content-Length: 18446744073709551621'], 'hello'),
  ),
  refused('a length in full-width digits', PROBE, post(['Content-Length: \xef\xbc\x95'], 'hello')),
  refused('a length with a decimal point', PROBE, post(['Content-Length: 5.0'], 'hello')),
  refused('a length with a form feed', PROBE, post(['Content-Length:\x0c5'], 'hello')),
  refused(
    'a space before the name Content-Length',
    'CVE-2024-27982 (Node.js)',
    post([' Content-Length: 5'], 'hello'),
  ),
  refused(
    'a name that is cut by NUL',
    'T-Reqs, Jabiyev and others (2021)',
    post(['Content-Length\0: 5', 'Content-Length: 0']),
  ),
  refused(
    'Connection that takes the length away',
    'Davison: Abusing HTTP hop-by-hop request headers (2019)',
    post(['Connection: Content-Length', 'Content-Length: 5'], 'hello'),
  ),
  refused(
    'Connection that takes the host away',
    'Davison: Abusing HTTP hop-by-hop request headers (2019)',
    post(['Connection: close, Host']),
  ),
  refused(
    'Connection that takes the origin away',
    'Davison: Abusing HTTP hop-by-hop request headers (2019)',
    post(['Connection: X-Forwarded-For']),
  ),
  forwarded('leading zeros', PROBE, post(['Content-Length: 005'], 'hello')),
  forwarded(
    'CL.0: a length that some servers ignore',
    'Kettle: Browser-Powered Desync Attacks (2022)',
    post(['Content-Length: 34'], 'GET /smuggled HTTP/1.1\r\nX: y\r\nY: z\r\n'.slice(0, 34)),
  ),
  forwarded(
    'GET with a body',
    'Kettle: Browser-Powered Desync Attacks (2022)',
    'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  ),
]
