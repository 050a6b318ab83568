import type { Mutant } from '../mutant.ts'

const ALPN = 'services/sidecar/src/tls/alpn.test.ts'
const CALLS = 'services/sidecar/src/relay/open-calls.test.ts'
const GRPC = 'services/sidecar/src/relay/grpc.test.ts'

const CALLS_TS = 'services/sidecar/src/relay/open-calls.ts'
const HANDLER_TS = 'services/sidecar/src/tls/tls-handler.ts'
const SCHEMA_TS = 'services/sidecar/src/config/tls-schema.ts'
const CONFLICTS_TS = 'services/sidecar/src/config/conflicts.ts'

/** gRPC over stream routes: ALPN, and the calls that a drain waits for. */
export const grpc: readonly Mutant[] = [
  {
    name: 'a stream listener does not select a protocol by ALPN',
    file: HANDLER_TS,
    find: "const protocols = isHttp ? ['http/1.1'] : settings.alpn",
    replace: "const protocols = isHttp ? ['http/1.1'] : undefined",
    killers: [ALPN],
  },
  {
    name: 'a client without ALPN enters a listener that has alpn',
    file: HANDLER_TS,
    find: 'settings.alpn !== undefined && client.alpnProtocol === false)',
    replace: 'settings.alpn !== undefined && client.alpnProtocol === null)',
    killers: [ALPN],
  },
  {
    name: 'a stream offers its upstream nothing by ALPN',
    file: 'services/sidecar/src/way-out/upstream-tls.ts',
    find: "isHttp ? ['http/1.1'] : settings.alpn",
    replace: "isHttp ? ['http/1.1'] : undefined",
    killers: [ALPN],
  },
  {
    name: 'an HTTP route takes alpn, and does not speak what it says',
    file: CONFLICTS_TS,
    find: "if (kind !== 'http' && kind !== 'connect' && place[0] !== 'ops') return []",
    replace: "if (kind !== 'connect' && place[0] !== 'ops') return []",
    killers: [ALPN],
  },
  {
    name: 'the operations port takes alpn',
    file: CONFLICTS_TS,
    find: '    ...alpnWithoutStream(ops, ',
    replace: '    ...alpnWithoutStream(undefined, ',
    killers: [ALPN],
  },
  {
    name: 'alpn takes h2c',
    file: SCHEMA_TS,
    find: "!names.includes('h2c')",
    replace: "!names.includes('H2C')",
    killers: [ALPN],
  },
  {
    name: 'alpn takes a name twice',
    file: SCHEMA_TS,
    find: 'new Set(names).size === names.length',
    replace: 'new Set(names).size <= names.length',
    killers: [ALPN],
  },
  {
    name: 'a drain cuts a call that is quiet',
    file: 'services/sidecar/src/relay/stream-relay.ts',
    find: 'if (this.#wrappingUp && this.#calls?.isAny)',
    replace: 'if (this.#wrappingUp && this.#calls === undefined)',
    killers: [GRPC],
  },
  {
    name: 'a drain waits for HTTP/2 connections that have no calls',
    file: CALLS_TS,
    find: '    return this.#streams.size > 0',
    replace: '    return this.#hasSettings',
    killers: [GRPC, CALLS],
  },
  {
    name: 'a call counts as open when the server has reset it',
    file: CALLS_TS,
    find: 'if (isEnd || head.type === RST_STREAM)',
    replace: 'if (isEnd)',
    killers: [CALLS],
  },
  {
    name: 'a call counts as open when the client has reset it',
    file: CALLS_TS,
    find: 'if (head.type === RST_STREAM) this.#streams.delete(head.stream)',
    replace: 'if (head.type === RST_STREAM) continue',
    killers: [CALLS],
  },
  {
    name: 'a call begins anew with its trailers',
    file: CALLS_TS,
    find: '    if (stream <= this.#newest) return\n',
    replace: '',
    killers: [CALLS],
  },
  {
    name: 'a client chooses how much memory its calls take',
    file: CALLS_TS,
    find: '    if (this.#streams.size > MAX_OPEN) this.#giveUp()\n',
    replace: '',
    killers: [CALLS],
  },
  {
    name: 'a connection is taken for HTTP/2 because of what its client sends alone',
    file: CALLS_TS,
    find: 'if (!this.#hasSettings && head.type !== SETTINGS)',
    replace: 'if (this.#hasSettings && head.type === -1)',
    killers: [CALLS],
  },
]
