import type { Mutant } from '../mutant.ts'

const DIAL = 'shared/src/dial/dial-tls.test.ts'
const ACCESS = 'services/client/src/access/access.test.ts'
const DOCTOR = 'services/client/src/doctor/doctor-tls.test.ts'

/** TLS and credentials of the client, and what the doctor says about them. */
export const clientTls: readonly Mutant[] = [
  {
    name: 'the certificate of a server is not verified',
    file: 'shared/src/dial/dial-tls.ts',
    find: 'rejectUnauthorized: true',
    replace: 'rejectUnauthorized: false',
    killers: [DIAL],
  },
  {
    name: 'the name of a server is not verified',
    file: 'shared/src/dial/dial-tls.ts',
    find: '=> checkServerIdentity(serverName, certificate),',
    replace: '=> (certificate ? undefined : checkServerIdentity(serverName, certificate)),',
    killers: [DIAL],
  },
  {
    name: 'a given CA is ignored for the CAs of the system',
    file: 'shared/src/dial/dial-tls.ts',
    find: 'ca: ca === undefined ? trustedByDefault() : [ca].flat(),',
    replace: 'ca: trustedByDefault(),',
    killers: [DIAL],
  },
  {
    name: 'a certificate that is not valid yet counts as expired',
    file: 'shared/src/dial/tls-failure.ts',
    find: "CERT_NOT_YET_VALID: 'not_yet_valid'",
    replace: "CERT_NOT_YET_VALID: 'expired'",
    killers: [DIAL],
  },
  {
    name: 'texts of a certificate reach the terminal as they are',
    file: 'shared/src/dial/tls-failure.ts',
    find: "visible((text ?? '').slice(0, MAX_LETTERS + 1).replaceAll('\\n', ', '))",
    replace: "(text ?? '').slice(0, MAX_LETTERS + 1).replaceAll('\\n', ', ')",
    killers: [DIAL],
  },
  {
    name: 'a token goes unencrypted to any host',
    file: 'services/client/src/access/access.ts',
    find: 'if (token !== undefined && tls === undefined) checkPrivate(endpoint)',
    replace: 'if (token !== undefined && tls !== undefined) checkPrivate(endpoint)',
    killers: [ACCESS],
  },
  {
    name: 'ports of the stack are not checked before something is sent',
    file: 'services/client/src/access/access.ts',
    find: 'for (const port of Object.values(STACK_PORTS)) limited(config[port])',
    replace: '',
    killers: [ACCESS],
  },
  {
    name: '--tls-for is ignored',
    file: 'services/client/src/access/access.ts',
    find: 'names === undefined || chosen.has(formatEndpoint(endpoint))',
    replace: 'names === undefined || chosen.size > 0',
    killers: [ACCESS],
  },
  {
    name: 'a token of two lines is sent',
    file: 'services/client/src/access/read-files.ts',
    find: "if (/[\\r\\n]/.test(token)) return 'has a line break inside (or ends with CR LF)'",
    replace: '',
    killers: [ACCESS],
  },
  {
    name: 'a short token is sent',
    file: 'services/client/src/access/read-files.ts',
    find: 'const MIN_TOKEN_BYTES = 16',
    replace: 'const MIN_TOKEN_BYTES = 15',
    killers: [ACCESS],
  },
  {
    name: 'a file without a certificate is taken in silence',
    file: 'services/client/src/access/read-files.ts',
    find: 'if (blocks.length === 0)',
    replace: 'if (blocks.length < 0)',
    killers: [ACCESS],
  },
  {
    name: 'a certificate that expires soon is no warning',
    file: 'services/client/src/doctor/tls-report.ts',
    find: 'const SOON_DAYS = 14',
    replace: 'const SOON_DAYS = 13',
    killers: [DOCTOR],
  },
  {
    name: 'a refused caller counts as live',
    file: 'services/client/src/doctor/conversation.ts',
    find: "['unauthenticated', 'bad_credentials', 'not_permitted']",
    replace: "['unauthenticated']",
    killers: [DOCTOR],
  },
  {
    name: 'the chain that a server has sent is never freed',
    file: 'shared/src/dial/peer-chain.ts',
    find: '  const chain: X509Certificate[] = []\n',
    replace: '  const chain: X509Certificate[] = []\n  socket.getPeerX509Certificate()\n',
    killers: ['shared/src/dial/peer-chain.test.ts'],
  },
]
