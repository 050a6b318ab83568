import type { Mutant } from '../mutant.ts'

const LONG = 'services/sidecar/src/relay/long-responses.test.ts'
const UPGRADE = 'services/sidecar/src/relay/upgrade.test.ts'
const SOCKET = 'services/sidecar/src/relay/web-socket.test.ts'
const OUT = 'services/sidecar/src/way-out/tunnels.test.ts'
const REVOKED = 'services/sidecar/src/relay/revoked-tunnels.test.ts'
const H2C = 'services/sidecar/src/relay/h2c.test.ts'
const WAYS = 'services/sidecar/src/relay/tunnel-ways.test.ts'
const KEPT = 'services/sidecar/src/relay/kept-request.test.ts'

const EXCHANGE_TS = 'services/sidecar/src/relay/exchange.ts'
const TUNNEL_TS = 'services/sidecar/src/relay/exchange-tunnel.ts'
const LONG_TS = 'services/sidecar/src/relay/long-run.ts'
const RUN_TS = 'services/sidecar/src/relay/upgrade-run.ts'
const TUNNELS_TS = 'services/sidecar/src/relay/tunnels.ts'
const UPGRADE_TS = 'services/sidecar/src/http1/upgrade.ts'
const FILE_TS = 'services/sidecar/src/identity/credential-file.ts'
const CREDENTIALS_TS = 'services/sidecar/src/identity/credentials.ts'
const LIST_TS = 'services/sidecar/src/policy/allow-list.ts'

/** Responses that may take as long as they like, and requests that switch protocols. */
export const upgrade: readonly Mutant[] = [
  {
    name: 'a long response has the time of other requests',
    file: EXCHANGE_TS,
    find: '    if (this.#tunnel.isLong) this.#time.unbind()\n',
    replace: '',
    killers: [LONG],
  },
  {
    name: 'a long response has a largest size',
    file: 'services/sidecar/src/relay/response-reader.ts',
    find: 'return isUnbounded ? Number.POSITIVE_INFINITY : this.#limits.responseBytes',
    replace: 'return isUnbounded && false ? 0 : this.#limits.responseBytes',
    killers: [LONG],
  },
  {
    name: 'a rule with long counts for every client',
    file: LIST_TS,
    find: '(rule.clients.length === 0 || (user !== null && rule.clients.includes(user))) &&',
    replace: '(user === null || user !== null) &&',
    killers: [LONG],
  },
  {
    name: 'a client of a long response that has ended its side is not noticed',
    file: LONG_TS,
    find: 'hasBegun && hasClientEnded ? Math.min',
    replace: 'hasBegun && hasClientEnded === null ? Math.min',
    killers: [LONG],
  },
  {
    name: 'silence of a long response is the fault of the upstream',
    file: 'services/sidecar/src/relay/exchange-time.ts',
    find: 'this.#isClientSlow || this.#isQuiet',
    replace: 'this.#isClientSlow',
    killers: [LONG],
  },
  {
    name: 'there is no limit of tunnels',
    file: TUNNELS_TS,
    find: 'this.#open.size >= this.#max || ',
    replace: '',
    killers: [LONG, UPGRADE],
  },
  {
    name: 'a tunnel takes an upstream connection of other requests',
    file: 'services/sidecar/src/relay/upstream-pool.ts',
    find: '    if (taker.isTunnel) return this.#dialTunnel(taker)\n',
    replace: '',
    killers: [LONG, UPGRADE],
  },
  {
    name: 'the upstream connection of a long response is used again',
    file: 'services/sidecar/src/relay/upstream-connection.ts',
    find: 'if (this.#isRetired || this.isTunnel) return false',
    replace: 'if (this.#isRetired) return false',
    killers: [LONG],
  },
  {
    name: 'a tunnel that is cut at the end of the drain is not told apart',
    file: 'services/sidecar/src/relay/http-route.ts',
    find: '    this.#relay.tunnels.cut()\n',
    replace: '',
    killers: [LONG],
  },
  {
    name: 'a reload leaves the tunnels alone',
    file: 'services/sidecar/src/relay/http-route.ts',
    find: '    this.#relay.tunnels.judgeAnew()\n',
    replace: '',
    killers: [LONG, UPGRADE],
  },
  {
    name: 'a response stays long although its rule is not any more',
    file: LONG_TS,
    find: 'verdict.isLong === true : ',
    replace: 'true : ',
    killers: [LONG],
  },
  {
    name: 'a rule with upgrade allows requests that do not switch protocols',
    file: LIST_TS,
    find: '      if (rule.upgrade !== wanted) continue\n',
    replace: '',
    killers: [UPGRADE],
  },
  {
    name: 'the protocol of a rule is compared with letter case',
    file: UPGRADE_TS,
    find: 'values.flatMap(membersOf).map((value) => value.toLowerCase())',
    replace: 'values.flatMap(membersOf)',
    killers: [UPGRADE],
  },
  {
    name: 'Connection need not name Upgrade in a request',
    file: UPGRADE_TS,
    find: 'head.minor === 0 || !head.drops.upgrades',
    replace: 'head.minor === 0',
    killers: [UPGRADE],
  },
  {
    name: 'HTTP/1.0 may switch protocols',
    file: UPGRADE_TS,
    find: 'head.minor === 0 || !head.drops.upgrades',
    replace: '!head.drops.upgrades',
    killers: [UPGRADE],
  },
  {
    name: 'a 101 may switch to another protocol',
    file: UPGRADE_TS,
    find: 'named.length > 1 || named[0] !== protocol.toLowerCase()',
    replace: 'named.length > 1',
    killers: [UPGRADE],
  },
  {
    name: 'a 101 may name two protocols',
    file: UPGRADE_TS,
    find: 'named.length > 1 || named[0]',
    replace: 'named[0]',
    killers: [UPGRADE],
  },
  {
    name: 'a 101 need not say Connection: Upgrade',
    file: UPGRADE_TS,
    find: '!head.drops.upgrades || named.length === 0',
    replace: 'named.length === 0',
    killers: [UPGRADE],
  },
  {
    name: 'a 101 may come before the whole request',
    file: TUNNEL_TS,
    find: "    if (!isRequestDone) return 'it switches protocols before it has the whole request'\n",
    replace: '',
    killers: [UPGRADE],
  },
  {
    name: 'after a response without a switch the connection goes on (CVE-2018-1002105)',
    file: EXCHANGE_TS,
    find: 'this.#request.isDone && !this.#tunnel.mayUpgrade && this.#client.mayPersist',
    replace: 'this.#request.isDone && this.#client.mayPersist',
    killers: [UPGRADE],
  },
  {
    name: 'after a WebSocket is refused the connection goes on',
    file: EXCHANGE_TS,
    find: 'this.#mayPersist() && !isAboutUpgrade',
    replace: 'this.#mayPersist()',
    killers: [UPGRADE],
  },
  {
    name: 'a WebSocket that no rule names is served without the switch',
    file: 'services/sidecar/src/relay/request-judge.ts',
    find: '&& offersWebSocket(head, bytes))',
    replace: '&& head.minor > 1)',
    killers: [UPGRADE],
  },
  {
    name: 'early bytes of the client are lost',
    file: RUN_TS,
    find: '    if (early.length > 0) upstream.write(early)\n',
    replace: '',
    killers: [UPGRADE],
  },
  {
    name: 'bytes that come with the 101 are lost',
    file: RUN_TS,
    find: '    if (rest.length > 0) client.write(rest)\n',
    replace: '',
    killers: [UPGRADE],
  },
  {
    name: 'the bytes of the request count as bytes of the tunnel',
    file: RUN_TS,
    find: 'upstream.bytesWritten - sentBefore',
    replace: 'upstream.bytesWritten',
    killers: [UPGRADE],
  },
  {
    name: 'the end of the upstream ends both directions',
    file: 'services/sidecar/src/relay/upstream-socket.ts',
    find: '    this.#socket.allowHalfOpen = true\n',
    replace: '',
    killers: [UPGRADE],
  },
  {
    name: 'Sec-WebSocket-Accept is not compared with the key',
    file: UPGRADE_TS,
    find: 'accepts.length !== 1 || accepts[0] !== acceptOf(offer.key)',
    replace: 'accepts.length !== 1',
    killers: [SOCKET],
  },
  {
    name: 'Sec-WebSocket-Accept may come twice',
    file: UPGRADE_TS,
    find: 'accepts.length !== 1 || accepts[0]',
    replace: 'accepts[0]',
    killers: [SOCKET],
  },
  {
    name: 'a WebSocket may get a subprotocol that it did not ask for',
    file: UPGRADE_TS,
    find: '!offer.subprotocols.includes(name)',
    replace: "name === ''",
    killers: [SOCKET],
  },
  {
    name: 'a WebSocket may get an extension that it did not ask for',
    file: UPGRADE_TS,
    find: '!offer.extensions.includes(name)',
    replace: "name === ''",
    killers: [SOCKET],
  },
  {
    name: 'a WebSocket may have two keys',
    file: UPGRADE_TS,
    find: 'key === undefined || others.length > 0 ||',
    replace: 'key === undefined ||',
    killers: [SOCKET],
  },
  {
    name: 'a tunnel is not told that a token file was replaced',
    file: FILE_TS,
    find: '      owner.onReplaced()\n',
    replace: '',
    killers: [REVOKED],
  },
  {
    name: 'a tunnel is not told that a password file was replaced',
    file: FILE_TS,
    find: '    files.onReplaced = () => owner.onReplaced()\n',
    replace: '',
    killers: [REVOKED],
  },
  {
    name: 'a long response is not judged again',
    file: LONG_TS,
    find: "faultOf(this.#request.judgeAgain(), 'long', this.#relay)",
    replace: 'null',
    killers: [REVOKED],
  },
  {
    name: 'an upgraded connection is not judged again',
    file: RUN_TS,
    find: 'const verdict = this.#request.judgeAgain()',
    replace: 'const verdict = { user: null, withholds: false, upgrade: this.upgrade }',
    killers: [REVOKED],
  },
  {
    name: 'a tunnel goes on with a password whose hash was replaced',
    file: CREDENTIALS_TS,
    find: ' && login?.hashes.includes(hash) === true',
    replace: '',
    killers: [REVOKED],
  },
  {
    name: 'a tunnel goes on with a token that was removed',
    file: CREDENTIALS_TS,
    find: 'if (token !== null) return clientOfToken(files, token)',
    replace: 'if (token !== null) return files[0]?.client ?? null',
    killers: [REVOKED],
  },
  {
    name: 'a tunnel keeps its credential in clear',
    file: 'services/sidecar/src/relay/kept-request.ts',
    find: "    if (authorization !== null) bytes.fill('*', head.authorizationStart, head.authorizationEnd)\n",
    replace: '',
    killers: [KEPT],
  },
  {
    name: 'only an upstream that is told who asks is asked to switch protocols',
    file: 'services/sidecar/src/http1/compose-request.ts',
    find: '  at += added.copy(out, at)\n',
    replace: '  if (isToldOrigin) at += added.copy(out, at)\n',
    killers: [OUT],
  },
  {
    name: 'TLS bytes of a tunnel are passed on although the client does not read',
    file: 'services/sidecar/src/relay/upstream-socket.ts',
    find: 'else if (!this.#reading.pass(bytes)) this.#socket.pause()',
    replace: 'else this.#reading.pass(bytes)',
    killers: [OUT],
  },
  {
    name: 'HTTP2-Settings does not reach a server that is asked for h2c',
    file: UPGRADE_TS,
    find: '  if (http2Settings === null) return responseLines({ protocol })',
    replace: '  if (http2Settings !== undefined) return responseLines({ protocol })',
    killers: [H2C],
  },
  {
    name: 'HTTP2-Settings may be there twice',
    file: UPGRADE_TS,
    find: "  if (others.length > 0) return 'it asks for h2c with more",
    replace: "  if (others.length > 9) return 'it asks for h2c with more",
    killers: [H2C],
  },
  {
    name: 'HTTP2-Settings may be any text',
    file: UPGRADE_TS,
    find: 'if (!HTTP2_SETTINGS.test(settings))',
    replace: "if (settings === '')",
    killers: [H2C],
  },
  {
    name: 'HTTP2-Settings need not be named in Connection',
    file: UPGRADE_TS,
    find: "if (!values('connection').flatMap(membersOf).some(isHttp2Settings))",
    replace: "if (values('connection').length > 9)",
    killers: [H2C],
  },
  {
    name: 'HTTP2-Settings are asked for although Docker sends none',
    file: UPGRADE_TS,
    find: '  if (settings === null) return { protocol, webSocket: null, http2Settings: null }',
    replace: "  if (settings === null) return 'it asks for h2c without HTTP2-Settings'",
    killers: [H2C],
  },
  {
    name: 'a client sends as much as it likes before the 101',
    file: 'services/sidecar/src/relay/client-connection.ts',
    find: "    if (this.#earlyBytes() > this.#relay.route.limits.headBytes) this.socket.pause('early')\n",
    replace: '',
    killers: [WAYS],
  },
  {
    name: 'an upgraded connection holds its place after it has ended',
    file: RUN_TS,
    find: '        tunnels.close(this)\n',
    replace: '',
    killers: [UPGRADE],
  },
]
