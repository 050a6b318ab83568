import { type Attack, forwarded, post, refused } from './attack.ts'

const TREQS = 'T-Reqs, Jabiyev and others (2021)'
const KLEIN = 'Klein: HTTP Request Smuggling in 2020'
const RFC_2_2 = 'RFC 9112 section 2.2'
const RFC_3_2 = 'RFC 9112 section 3.2'
const RFC_5 = 'RFC 9112 section 5'
const TSAI = 'Tsai: A New Era of SSRF, Exploiting URL Parsers (2017); Breaking Parser Logic (2018)'
const EXPECT = 'Kettle: HTTP/1.1 must die (2025)'

const get = (line: string, ...fields: string[]) => `${line}\r\n${['Host: h', ...fields].join('\r\n')}\r\n\r\n`

/** Request lines, field names and line ends that parsers read in different ways. */
export const HEADS: readonly Attack[] = [
  refused('LF ends the request line', RFC_2_2, 'GET / HTTP/1.1\nHost: h\r\n\r\n'),
  refused(
    'LF ends a field',
    'CVE-2022-32214 (Node.js), CVE-2019-16785 (waitress)',
    'GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n',
  ),
  refused(
    'LF LF ends the head',
    RFC_2_2,
    'GET / HTTP/1.1\r\nHost: h\n\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n',
  ),
  refused(
    'CR alone ends a field',
    'CVE-2023-30589 (Node.js), CVE-2022-35256 (Node.js)',
    'GET / HTTP/1.1\r\nHost: h\r\rA: b\r\n\r\n',
  ),
  refused('CR CR LF ends a field', RFC_2_2, 'GET / HTTP/1.1\r\nHost: h\r\r\n\r\n'),
  refused('CR before LF LF', RFC_2_2, 'GET / HTTP/1.1\r\nHost: h\r\n\r\rGET / HTTP/1.1\r\n'),
  refused('obs-fold', 'RFC 9112 section 5.2', get('GET / HTTP/1.1', 'A: b', ' c')),
  refused('obs-fold with a tab', 'RFC 9112 section 5.2', get('GET / HTTP/1.1', 'A: b', '\tc')),
  refused('fold before the first field', RFC_2_2, 'GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n'),
  refused('space before a colon', 'RFC 9112 section 5.1', 'GET / HTTP/1.1\r\nHost : h\r\n\r\n'),
  refused('no colon', 'CVE-2019-20444 (Netty)', get('GET / HTTP/1.1', 'Hello')),
  refused('an empty name', 'CVE-2023-25725 (HAProxy)', get('GET / HTTP/1.1', ': x')),
  refused('NUL in a name', RFC_5, get('GET / HTTP/1.1', 'A\0: b')),
  refused('NUL in a value', 'RFC 9110 section 5.5', get('GET / HTTP/1.1', 'A: b\0c')),
  refused('a byte past ASCII in a name', RFC_5, get('GET / HTTP/1.1', 'Content-L\xe9ngth: 5')),
  refused('parentheses in a name', 'RFC 9110 section 5.6.2', get('GET / HTTP/1.1', 'A(b): c')),
  refused('a name in quotes', 'RFC 9110 section 5.6.2', get('GET / HTTP/1.1', '"Content-Length": 5')),
  forwarded(
    'X_Forwarded_For, which is left out',
    'CGI and WSGI take _ for - (RFC 3875 section 4.1.18)',
    get('GET / HTTP/1.1', 'X_Forwarded_For: 127.0.0.1'),
  ),
  forwarded(
    'SCRIPT_NAME, which is left out',
    'gunicorn takes it for the prefix of the app',
    get('GET / HTTP/1.1', 'SCRIPT_NAME: /admin'),
  ),
  refused('Content_Length', 'CGI and WSGI take _ for -', post(['Content_Length: 5'], 'hello')),
  refused('no Host', RFC_3_2, 'GET / HTTP/1.1\r\nA: b\r\n\r\n'),
  refused('two hosts', RFC_3_2, get('GET / HTTP/1.1', 'Host: evil')),
  refused('two hosts in one line', RFC_3_2, 'GET / HTTP/1.1\r\nHost: h evil\r\n\r\n'),
  refused('a host with a path', RFC_3_2, 'GET / HTTP/1.1\r\nHost: h/evil\r\n\r\n'),
  refused('a host with user information', RFC_3_2, 'GET / HTTP/1.1\r\nHost: u@h\r\n\r\n'),
  refused('a URL that disagrees with Host', RFC_3_2, get('GET http://evil/ HTTP/1.1')),
  refused('a URL with user information', TSAI, get('GET http://h@evil/ HTTP/1.1')),
  refused('a URL with a backslash', TSAI, get('GET http://h\\@evil/ HTTP/1.1')),
  refused('a URL of another scheme', RFC_3_2, get('GET file:///etc/passwd HTTP/1.1')),
  refused('a target without a slash', 'Kettle: Cracking the lens (2017)', get('GET @evil/ HTTP/1.1')),
  refused('a target of authority form', RFC_3_2, get('GET h:80 HTTP/1.1')),
  refused('CONNECT', 'RFC 9110 section 9.3.6', get('CONNECT h:80 HTTP/1.1')),
  refused('a fragment', RFC_3_2, get('GET /#x HTTP/1.1')),
  refused('a space in a target', RFC_3_2, get('GET /a b HTTP/1.1')),
  refused('a tab for a space', TREQS, get('GET\t/\tHTTP/1.1')),
  refused('a vertical tab for a space', TREQS, get('GET\x0b/ HTTP/1.1')),
  refused('two spaces', TREQS, get('GET  / HTTP/1.1')),
  refused('a space before the method', TREQS, get(' GET / HTTP/1.1')),
  refused('a space after the version', TREQS, get('GET / HTTP/1.1 ')),
  refused('NUL in the method', TREQS, get('G\0ET / HTTP/1.1')),
  refused('a method in lower case', TREQS, get('get / HTTP/1.1')),
  refused('a control character in a target', TREQS, get('GET /\x7f HTTP/1.1')),
  refused('a byte past ASCII in a target', TREQS, get('GET /\xff HTTP/1.1')),
  refused('HTTP/0.9', TREQS, 'GET /\r\n'),
  refused('HTTP/0.9 with a head', TREQS, get('GET / HTTP/0.9')),
  refused('HTTP/1.2', KLEIN, get('GET / HTTP/1.2')),
  refused('HTTP/1.10', TREQS, get('GET / HTTP/1.10')),
  refused('HTTP/01.1', TREQS, get('GET / HTTP/01.1')),
  refused('HTTP in lower case', TREQS, get('GET / http/1.1')),
  refused('HTTP/2.0 preface', 'RFC 9113 section 3.4', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  refused('two request lines', TREQS, 'GET / HTTP/1.1 GET /x HTTP/1.1\r\nHost: h\r\n\r\n'),
  forwarded(
    'h2c, without its upgrade',
    'Jake Miller: h2c Smuggling (2020)',
    get(
      'GET / HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
  ),
  refused(
    'websocket',
    'Zinoviev: websocket-smuggle (2019)',
    get('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 1337'),
  ),
  refused('Expect with junk', EXPECT, post(['Expect: y 100-continue', 'Content-Length: 5'], 'hello')),
  refused(
    'Expect twice, one with junk',
    EXPECT,
    post(['Expect: 100-continue', 'Expect: x', 'Content-Length: 5'], 'hello'),
  ),
  refused(
    'Expect that is folded',
    'CVE-2025-32094 (Akamai)',
    post(['Expect:', ' 100-continue', 'Content-Length: 5'], 'hello'),
  ),
  refused('dot segments', 'RFC 3986 section 6.2.2.3', get('GET /a/../admin HTTP/1.1')),
  refused('escaped dot segments', 'RFC 3986 section 6.2.2', get('GET /a/%2e%2e/admin HTTP/1.1')),
  refused('half-escaped dot segments', 'CVE-2021-41773 (Apache)', get('GET /a/.%2E/admin HTTP/1.1')),
  refused('escaped slash', TSAI, get('GET /a/..%2fadmin HTTP/1.1')),
  refused('escaped backslash', TSAI, get('GET /a/..%5Cadmin HTTP/1.1')),
  refused('dot segment with a parameter', TSAI, get('GET /a/..;/admin HTTP/1.1')),
  refused('escaped NUL', TSAI, get('GET /metrics%00.png HTTP/1.1')),
  refused('escaped CRLF', TSAI, get('GET /a%0D%0AX:%20y HTTP/1.1')),
  refused('an escape that is none', TSAI, get('GET /%zz HTTP/1.1')),
  refused('a backslash in a path', TSAI, get('GET /a\\..\\admin HTTP/1.1')),
  refused(
    'an overlong escape, which is none of UTF-8',
    'CVE-2000-0884 (IIS)',
    get('GET /a/..%c0%af../admin HTTP/1.1'),
  ),
  forwarded('dots in a query', RFC_3_2, get('GET /a?x=/../../etc HTTP/1.1')),
  forwarded('one empty line before the request', RFC_2_2, `\r\n${get('GET / HTTP/1.1')}`),
  forwarded('an absolute URL that agrees', RFC_3_2, get('GET http://h/a HTTP/1.1')),
  forwarded(
    'Expect: 100-continue',
    'RFC 9110 section 10.1.1',
    post(['Expect: 100-continue', 'Content-Length: 5'], 'hello'),
  ),
  forwarded('bytes past ASCII in a value', 'RFC 9110 section 5.5', get('GET / HTTP/1.1', 'A: \xe9')),
]
