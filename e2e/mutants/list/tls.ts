import type { Mutant } from '../mutant.ts'

const PORT = 'services/sidecar/src/tls/tls-port.test.ts'
const HANDSHAKES = 'services/sidecar/src/tls/handshakes.test.ts'
const ROTATION = 'services/sidecar/src/tls/rotation.test.ts'
const SETTINGS = 'services/sidecar/src/tls/settings.test.ts'
const HANDLER = 'services/sidecar/src/tls/tls-handler.ts'
const CONTEXT = 'services/sidecar/src/tls/secure-context.ts'
const CERTIFICATE = 'services/sidecar/src/tls/certificate.ts'
const FOLLOWED = 'services/sidecar/src/files/followed-files.ts'

/** TLS of the sidecar's listeners. */
export const tls: readonly Mutant[] = [
  {
    name: 'a response that was cut ends cleanly over TLS',
    file: 'services/sidecar/src/relay/port.ts',
    find: 'transportOf(socket).resetAndDestroy()',
    replace: 'socket.resetAndDestroy()',
    killers: [PORT],
  },
  {
    name: 'the app does not learn that it was https',
    file: 'services/sidecar/src/relay/client-socket.ts',
    find: "'encrypted' in socket ? 'https' : 'http'",
    replace: "'http'",
    killers: [PORT],
  },
  {
    name: 'no ALPN',
    file: HANDLER,
    find: "const protocols = isHttp ? ['http/1.1'] : settings.alpn",
    replace: 'const protocols = isHttp ? undefined : settings.alpn',
    killers: [PORT],
  },
  {
    name: 'renegotiation',
    file: CONTEXT,
    find: 'const secureOptions = SSL_OP_NO_RENEGOTIATION |',
    replace: 'const secureOptions = (SSL_OP_NO_RENEGOTIATION & 0) |',
    killers: [PORT],
  },
  {
    name: 'minVersion is ignored',
    file: CONTEXT,
    find: 'return { cert, key, minVersion,',
    replace: "return { cert, key, minVersion: minVersion && ('TLSv1.2' as const),",
    killers: [PORT],
  },
  {
    name: 'sessions are resumed on other listeners, and with other certificates',
    file: CONTEXT,
    find: 'return { cert, key,',
    replace: 'return { ticketKeys: Buffer.alloc(48), cert, key,',
    killers: [PORT],
  },
  {
    name: 'plain HTTP on a TLS port is just reset',
    file: HANDLER,
    find: '(this.#parts.isHttp && isLetter(first))',
    replace: '(this.#parts.isHttp && first > 255)',
    killers: [PORT],
  },
  {
    name: 'a stream route responds with HTTP',
    file: HANDLER,
    find: '(this.#parts.isHttp && isLetter(first))',
    replace: '(isLetter(first))',
    killers: [PORT],
  },
  {
    name: 'a client that leaves during the handshake keeps its place',
    file: HANDLER,
    find: '      raw.allowHalfOpen = false // a client that leaves during the handshake ends it\n',
    replace: '',
    killers: [PORT],
  },
  {
    name: 'no half-close over TLS',
    file: HANDLER,
    find: '    client.allowHalfOpen = true\n',
    replace: '',
    killers: [PORT],
  },
  {
    name: 'a handshake may take for ever',
    file: HANDLER,
    find: 'peer === null ? Math.min(REFUSING_MS, handshakeTimeout) : handshakeTimeout',
    replace: '600_000',
    killers: [HANDSHAKES],
  },
  {
    name: 'a handshake that is done still has its deadline',
    file: HANDLER,
    find: '    this.#parts.deadlines.clear(handshake)\n',
    replace: '',
    killers: [HANDSHAKES],
  },
  {
    name: 'one address may have any number of handshakes',
    file: HANDLER,
    find: 'if (own.length >= max / 2) this.#displace(own[0])',
    replace: 'if (own.length > max * max) this.#displace(own[0])',
    killers: [HANDSHAKES],
  },
  {
    name: 'half-open handshakes keep new clients out',
    file: HANDLER,
    find: '    this.#displace(this.#oldestOf(address))\n',
    replace: '',
    killers: [HANDSHAKES],
  },
  {
    name: 'a handshake never gives its place back',
    file: HANDLER,
    find: '    else this.#parts.limits.release(handshake.peer)\n',
    replace: '',
    killers: [HANDSHAKES],
  },
  {
    name: 'handshakes in progress outlive the drain',
    file: 'services/sidecar/src/relay/staged-drain.ts',
    find: '    clearTimeout(timer)\n    this.#parts.cutAll()\n',
    replace: '    clearTimeout(timer)\n',
    killers: [HANDSHAKES],
  },
  {
    name: 'the old certificate is served for ever',
    file: HANDLER,
    find: 'certificate.onReplaced = () => this.#server.setSecureContext(contextOf(certificate))',
    replace: 'certificate.onReplaced = () => undefined',
    killers: [ROTATION],
  },
  {
    name: 'SIGHUP does not look at the certificates',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: '    await Promise.all([...this.#routes.map((route) => route.look()), ops?.tls?.look()])\n',
    replace: '',
    killers: [ROTATION],
  },
  {
    name: 'a pair that is replaced file by file counts as bad',
    file: FOLLOWED,
    find: 'const SETTLE_MS = 1_000',
    replace: 'const SETTLE_MS = 0',
    killers: [ROTATION],
  },
  {
    name: 'a bad pair is reported at each look',
    file: FOLLOWED,
    find: '    this.#known = identity\n    this.lastFailure = failure\n',
    replace: '    this.lastFailure = failure\n',
    killers: [ROTATION],
  },
  {
    name: 'a good pair after a bad one does not count as good',
    file: FOLLOWED,
    find: '    this.lastFailure = null\n',
    replace: '',
    killers: [ROTATION],
  },
  {
    name: 'an expired pair is taken over',
    file: CERTIFICATE,
    find: 'isExpired(pair) && !isExpired(former)',
    replace: 'isExpired(pair) && isExpired(former)',
    killers: [ROTATION],
  },
  {
    name: 'certificate and key need not belong together',
    file: 'services/sidecar/src/tls/certificate-pair.ts',
    find: 'leaf === undefined || !leaf.checkPrivateKey(privateKey)',
    replace: 'leaf === undefined || !privateKey',
    killers: [ROTATION, SETTINGS],
  },
  {
    name: 'TLS on a Unix socket is no mistake',
    file: 'services/sidecar/src/config/conflicts.ts',
    find: "    ...tlsOnUnixSocket(ops, ['ops']),\n",
    replace: '',
    killers: [SETTINGS],
  },
  {
    name: 'a reload does not see that the operations port has TLS now',
    file: 'services/sidecar/src/sidecar/reload-plan.ts',
    find: 'isDeepStrictEqual(runningOps.tls?.settings, opsTls)',
    replace: 'isDeepStrictEqual(opsTls, opsTls)',
    killers: [SETTINGS],
  },
  {
    name: 'a reload forgets the counters of TLS',
    file: 'services/sidecar/src/sidecar/certificates.ts',
    find: 'countersOf(name) ?? new TlsCounters()',
    replace: 'countersOf(name) && new TlsCounters() || new TlsCounters()',
    killers: [SETTINGS],
  },
  {
    name: 'each start pays for node:tls',
    file: 'services/sidecar/src/sidecar/certificates.ts',
    find: "  if (listeners.length === 0) return new Map()\n  const { Certificate } = await import('../tls/certificate.ts')\n",
    replace: "  const { Certificate } = await import('../tls/certificate.ts')\n",
    killers: [SETTINGS],
  },
  {
    name: 'the alert for a certificate comes when it has expired',
    file: 'config/alerts.yml',
    find: 'time() < 2 * 86400',
    replace: 'time() < 0',
    killers: ['e2e/alert-rules-fire-when-they-should.test.ts'],
  },
]
