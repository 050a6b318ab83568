import type { Mutant } from '../mutant.ts'

const PARTNER = 'services/sidecar/src/way-out/partner.test.ts'
const CODES = 'services/sidecar/src/way-out/tls-codes.test.ts'
const FILES = 'services/sidecar/src/way-out/upstream-files.test.ts'
const REUSE = 'services/sidecar/src/way-out/tls-reuse.test.ts'
const RESTARTS = 'services/sidecar/src/way-out/restarts.test.ts'
const HOSTILE = 'services/sidecar/src/way-out/hostile-partner.test.ts'
const SCHEMA_TEST = 'services/sidecar/src/config/way-out-schema.test.ts'
const DESTINATION = 'services/sidecar/src/http1/destination.test.ts'
const SCHEMA = 'services/sidecar/src/config/way-out-schema.ts'
const TLS = 'services/sidecar/src/way-out/upstream-tls.ts'
const COMPOSE = 'services/sidecar/src/http1/compose-request.ts'
const RECORDS = 'services/sidecar/src/way-out/records.test.ts'
const TUNNEL_RECORDS = 'services/sidecar/src/way-out/tunnel-records.test.ts'
const TUNNELS = 'services/sidecar/src/way-out/tunnels.test.ts'
const UPLOADS = 'services/sidecar/src/way-out/uploads.test.ts'
const POOL = 'services/sidecar/src/relay/upstream-pool.ts'
const SOCKET = 'services/sidecar/src/relay/upstream-socket.ts'

/** From a socket to an upstream on TCP. */
export const wayOut: readonly Mutant[] = [
  {
    name: 'way out: the certificate of the upstream is not verified',
    file: 'shared/src/dial/dial-tls.ts',
    find: 'rejectUnauthorized: true,',
    replace: 'rejectUnauthorized: false,',
    killers: [CODES],
  },
  {
    name: 'way out: the name in the certificate is not checked',
    file: 'shared/src/dial/dial-tls.ts',
    find: '(_host, certificate) => checkServerIdentity(serverName, certificate)',
    replace: '() => undefined',
    killers: [CODES],
  },
  {
    name: 'way out: a TLS write is done only a turn later, so each request needs a new buffer',
    file: TLS,
    find: '      writePromptly(socket)\n',
    replace: '',
    killers: [REUSE],
  },
  {
    name: 'way out: a record that TLS decrypts after the pause overwrites lent bytes',
    file: SOCKET,
    find: 'return this.isPaused || this.#reading !== null ? OVERRUN : this.#readInto',
    replace: 'return this.#readInto',
    killers: [PARTNER],
  },
  {
    name: 'way out: a record that TLS decrypts after the pause does not wait',
    file: SOCKET,
    find: 'if (this.#isTls && (this.isPaused || this.#reading !== null))',
    replace: 'if (this.#isTls && this.#reading !== null)',
    killers: [PARTNER],
  },
  {
    name: 'way out: bytes that have waited are lent as those of the last read',
    file: SOCKET,
    find: '    if (bytes !== this.#readInto) this.#readInto.set(bytes.subarray(0, count))\n',
    replace: '',
    killers: [PARTNER],
  },
  {
    name: 'way out: bytes of a tunnel with TLS are taken from the buffer of another read',
    file: SOCKET,
    find: 'if (this.#isTls && (this.isPaused || this.#reading !== null))',
    replace: 'if (this.#isTls && this.isPaused)',
    killers: [TUNNEL_RECORDS],
  },
  {
    name: 'way out: a client that ended before the 101 loses what comes with it over TLS',
    file: 'services/sidecar/src/relay/upgrade-run.ts',
    find: 'setImmediate(() => upstream.end())',
    replace: 'upstream.end()',
    killers: [TUNNELS],
  },
  {
    name: 'way out: records that wait share one buffer',
    file: SOCKET,
    find: 'this.#socket.push(Buffer.from(bytes.subarray(0, count)))',
    replace: 'this.#socket.push(Buffer.from(bytes.buffer, bytes.byteOffset, count))',
    killers: [RECORDS],
  },
  {
    name: 'way out: an upstream with TLS is read without end for a client that does not read',
    file: SOCKET,
    find: 'return this.#socket.push(Buffer.from(bytes.subarray(0, count))) && !this.isPaused',
    replace: 'return this.#socket.push(Buffer.from(bytes.subarray(0, count))) || true',
    killers: [RECORDS],
  },
  {
    name: 'way out: a buffer that was given away is read into again',
    file: SOCKET,
    find: '    this.#readInto = this.#buffer.subarray(HEADROOM)\n    this.resume()',
    replace: '    this.resume()',
    killers: [RECORDS],
  },
  {
    name: 'way out: a TLS write that waited is written twice',
    file: 'services/sidecar/src/tls/prompt-writes.ts',
    find: '    waiting = null\n',
    replace: '',
    killers: [UPLOADS],
  },
  {
    name: 'way out: no session is resumed',
    file: TLS,
    find: 'session: isUsable ? this.#session?.bytes : undefined,',
    replace: 'session: undefined,',
    killers: [REUSE],
  },
  {
    name: 'way out: the system CAs are trusted beside ca',
    file: 'services/sidecar/src/way-out/upstream-material.ts',
    find: 'ca: ca ?? systemCas()',
    replace: 'ca: systemCas()',
    killers: [CODES],
  },
  {
    name: 'way out: the own certificate is not presented',
    file: 'services/sidecar/src/way-out/upstream-material.ts',
    find: 'certificate: pair?.cert, key: pair?.key,',
    replace: 'certificate: undefined, key: undefined,',
    killers: [CODES],
  },
  {
    name: 'way out: minVersion towards the upstream is ignored',
    file: 'services/sidecar/src/way-out/upstream-material.ts',
    find: 'key: pair?.key, minVersion })',
    replace: "key: pair?.key, minVersion: minVersion && ('TLSv1.2' as const) })",
    killers: [CODES],
  },
  {
    name: 'way out: credentials without TLS',
    file: SCHEMA,
    find: 'add(isTcp && tls === undefined, ',
    replace: 'add(isTcp && tls === null, ',
    killers: [SCHEMA_TEST],
  },
  {
    name: 'way out: TRACE beside credentials',
    file: SCHEMA,
    find: "methods.split('|').includes('TRACE')",
    replace: "methods.split('|').includes('TRACED')",
    killers: [SCHEMA_TEST],
  },
  {
    name: 'way out: rules have a default',
    file: SCHEMA,
    find: 'add(row.allow === undefined && isTcp, ',
    replace: 'add(row.allow === null && isTcp, ',
    killers: [SCHEMA_TEST],
  },
  {
    name: 'way out: a framing field as a credential',
    file: SCHEMA,
    find: 'return FIELD_NAME.test(name) && isCredential &&',
    replace: 'return FIELD_NAME.test(name) && (isCredential || isCredential === false) &&',
    killers: [SCHEMA_TEST],
  },
  {
    name: "way out: the app's own field goes out beside the credential",
    file: 'services/sidecar/src/http1/hop-by-hop.ts',
    find: ' || isOneOf(replaced, bytes, line)) this',
    replace: ') this',
    killers: [DESTINATION],
  },
  {
    name: "way out: the app's own field goes out when it is spelled with _",
    file: 'services/sidecar/src/http1/destination.ts',
    find: 'if (FOLDED[bytes[start + i] as number] !== name[i]) return false',
    replace: 'if (((bytes[start + i] as number) | 0x20) !== name[i]) return false',
    killers: [DESTINATION],
  },
  {
    name: 'way out: a trailer brings the field of a credential',
    file: 'services/sidecar/src/http1/trailer-line.ts',
    find: '    if (this.#isReplaced) return FORBIDDEN\n',
    replace: '',
    killers: [DESTINATION],
  },
  {
    name: "way out: the app's Host goes out",
    file: COMPOSE,
    find: '  if (hostLine !== null) at += hostLine.copy(out, at)\n',
    replace: '',
    killers: [DESTINATION, PARTNER],
  },
  {
    name: 'way out: X-Forwarded-For goes out',
    file: COMPOSE,
    find: 'if (isToldOrigin) at += provenance',
    replace: 'if (isToldOrigin || provenance.length > 0) at += provenance',
    killers: [DESTINATION, PARTNER],
  },
  {
    name: 'way out: an X-Request-Id of the sidecar goes out',
    file: COMPOSE,
    find: 'if (isToldOrigin && head.requestIdStart < 0)',
    replace: 'if (head.requestIdStart < 0)',
    killers: [DESTINATION, PARTNER],
  },
  {
    name: 'way out: credentials are not followed',
    file: 'services/sidecar/src/way-out/way-out.ts',
    find: 'const lines = () => credentials?.files.value ?? NOTHING',
    replace: 'const first = credentials?.files.value ?? NOTHING\n    const lines = () => first',
    killers: [FILES],
  },
  {
    name: 'way out: a bad credential is sent',
    file: 'services/sidecar/src/way-out/credentials.ts',
    find: 'if (odd >= 0) throw',
    replace: 'if (odd > 1e6) throw',
    killers: [FILES],
  },
  {
    name: 'way out: idle connections of an old CA are used again',
    file: 'services/sidecar/src/relay/http-relay.ts',
    find: 'outgoing.onReplaced = () => this.pool.retire()',
    replace: 'outgoing.onReplaced = () => undefined',
    killers: [FILES],
  },
  {
    name: 'way out: a busy connection of an old CA is used again',
    file: POOL,
    find: '    for (const connection of this.#open) connection.retire()\n',
    replace: '',
    killers: [FILES],
  },
  {
    name: 'way out: a partner may ask for handshake after handshake',
    file: 'shared/src/dial/dial-tls.ts',
    find: 'secureOptions: crypto.constants.SSL_OP_NO_RENEGOTIATION',
    replace: 'secureOptions: crypto.constants.SSL_OP_NO_QUERY_MTU',
    killers: [HOSTILE],
  },
  {
    name: 'way out: a response that nobody asked for is kept for the next request',
    file: 'services/sidecar/src/relay/upstream-connection.ts',
    find: 'else this.close() // bytes that belong to no request',
    replace: "else if (this.#state === 'closed') this.close()",
    killers: [HOSTILE],
  },
  {
    name: 'way out: an address at which nobody is reached is used on',
    file: 'services/sidecar/src/way-out/way-out.ts',
    find: '    this.#forget()\n',
    replace: '    void this.#forget\n',
    killers: ['services/sidecar/src/way-out/checked-addresses.test.ts'],
  },
  {
    name: 'way out: a POST is repeated',
    file: 'services/sidecar/src/relay/retry.ts',
    find: 'this.#isPossible = isDone && isIdempotent',
    replace: 'this.#isPossible = isDone',
    killers: [REUSE, RESTARTS],
  },
  {
    name: 'way out: a request goes out on a connection whose partner has ended',
    file: 'services/sidecar/src/relay/upstream-connection.ts',
    find: "else if (this.#state === 'idle') this.close()",
    replace: "else if (this.#state === 'idle' && error !== undefined) this.close()",
    killers: [RESTARTS],
  },
  {
    name: 'way out: a POST goes out on a connection that its server may have closed',
    file: POOL,
    find: 'this.outgoing.isTls && this.#idle.at(-1)?.isSurelyOpen === true',
    replace: 'this.outgoing.isTls && this.#idle.length > 0',
    killers: [REUSE],
  },
  {
    name: 'way out: each POST costs a handshake',
    file: POOL,
    find: 'return this.outgoing.isTls && ',
    replace: 'return !this.outgoing.isTls && ',
    killers: [REUSE],
  },
  {
    name: 'way out: each page that is read probes the partner',
    file: 'services/sidecar/src/upstream/upstream.ts',
    find: "if (this.endpoint.kind !== 'tcp') return false",
    replace: "if (this.endpoint.kind !== 'tcp' || this.#attemptedAtMs > 0) return false",
    killers: [PARTNER],
  },
  {
    name: 'way out: whoever answers for a name leads the app to this machine',
    file: 'services/sidecar/src/way-out/way-out.ts',
    find: 'rules.refusalOf(address, own) === null)',
    replace: 'rules.refusalOf(address, own) !== undefined)',
    killers: ['services/sidecar/src/way-out/checked-addresses.test.ts'],
  },
  {
    name: 'way out: a name may lead to the gateway and to own addresses',
    file: 'services/sidecar/src/way-out/way-out.ts',
    find: 'const own = ownAddresses()',
    replace: 'const own = { ...ownAddresses(), own: [], gateways: [] }',
    killers: ['services/sidecar/src/way-out/checked-addresses.test.ts'],
  },
]
