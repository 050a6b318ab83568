import type { Mutant } from '../mutant.ts'

const HANDLER = 'services/sidecar/src/tls/tls-handler.ts'
const CONTEXT = 'services/sidecar/src/tls/secure-context.ts'
const HANDSHAKES = 'services/sidecar/src/tls/handshakes.test.ts'
const FIRST_BYTES = 'services/sidecar/src/tls/first-bytes.test.ts'

const CLIENT_CA = 'services/sidecar/src/tls/client-ca.ts'
const CHAINS = 'services/sidecar/src/tls/oversized-chains.test.ts'
const WRITES = 'services/sidecar/src/tls/prompt-writes.ts'
const WRITES_TEST = 'services/sidecar/src/tls/prompt-writes.test.ts'

/** Clients that misuse TLS, and connections without a place. */
export const tlsHardening: readonly Mutant[] = [
  {
    name: 'a TLS client is reset without a 503 when all places are taken',
    file: HANDLER,
    find: 'return !this.#drain.isOver && this.#parts.isHttp && this.#parts.limits.mayReadRefusal()',
    replace: 'return this.#drain.isOver && this.#parts.isHttp && this.#parts.limits.mayReadRefusal()',
    killers: [HANDSHAKES],
  },
  {
    name: 'any number of clients without a place may do their handshake',
    file: HANDLER,
    find: 'return !this.#drain.isOver && this.#parts.isHttp && this.#parts.limits.mayReadRefusal()',
    replace: 'return !this.#drain.isOver && this.#parts.isHttp',
    killers: [HANDSHAKES],
  },
  {
    name: 'a handshake without a place is never counted as ended',
    file: HANDLER,
    find: 'if (handshake.peer === null) this.#parts.limits.refusalRead()',
    replace: 'if (handshake.peer === null) this.#parts.limits.taken',
    killers: [HANDSHAKES],
  },
  {
    name: 'plain HTTP with a method in lower case is just reset',
    file: HANDLER,
    find: 'const lower = byte | LOWER',
    replace: 'const lower = byte + LOWER',
    killers: [FIRST_BYTES],
  },
  {
    name: 'the chain that a client has sent is never freed',
    file: CLIENT_CA,
    find: 'if (client.getPeerCertificate().raw === undefined) return true',
    replace: 'if (client.getPeerX509Certificate() === undefined) return true',
    killers: [CHAINS],
  },
  {
    name: 'the key of the certificate decrypts recorded connections',
    file: CONTEXT,
    find: 'secureOptions, ciphers: CIPHERS, ...ca }',
    replace: 'secureOptions, ...ca }',
    killers: ['services/sidecar/src/tls/ciphers.test.ts'],
  },
  {
    name: 'a TLS write is done only a turn later, so every client looks slow',
    file: WRITES,
    find: 'if (!isWriting || hasQueue(socket)) return',
    replace: 'if (isWriting) return',
    killers: [WRITES_TEST],
  },
  {
    name: 'a TLS write is done although the client does not read',
    file: WRITES,
    find: 'if (!isWriting || hasQueue(socket)) return',
    replace: 'if (!isWriting) return',
    killers: [WRITES_TEST],
  },
  {
    name: 'a TLS connection is ended while a write is in progress',
    file: WRITES,
    find: 'if (isWriting) waiting = () => final.call(socket, done)',
    replace: 'if (isWriting) final.call(socket, done)',
    killers: [WRITES_TEST],
  },
]
