import { TlsFailure, type TlsReason } from '@uds-sidecar/shared/dial/tls-failure'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'
import {
  advice,
  type Facts,
  type Finding,
  type FindingName,
  type Fix,
  finding,
  onService,
  shell,
} from '../diagnosis.ts'
import { isClosed } from '../tls-report.ts'
import { doctorCommand } from './conversation-findings.ts'

interface Case {
  readonly name: FindingName
  readonly fixes: (facts: Facts) => Fix[]
}

const CASES: Readonly<Record<TlsReason, Case>> = {
  expired: {
    name: 'certificate_expired',
    fixes: (facts) => [
      advice('renew the certificate of the server, and see that the server reads the new one'),
      ...showCertificate(facts, 'shows the dates'),
    ],
  },
  not_yet_valid: {
    name: 'certificate_not_yet_valid',
    fixes: (facts) => [
      shell('date -u', 'the clock of this machine may be slow'),
      advice('wait until the certificate is valid, or issue it anew'),
      ...showCertificate(facts, 'shows the dates'),
    ],
  },
  self_signed: {
    name: 'certificate_self_signed',
    fixes: (facts) => [
      shell(
        `${doctorCommand(facts.place)} --cacert FILE`,
        'FILE is that certificate, copied from the server: only if you know that it is the right one',
      ),
      ...showCertificate(facts, 'shows the certificate'),
    ],
  },
  unknown_issuer: {
    name: 'certificate_untrusted',
    fixes: (facts) => [
      shell(`${doctorCommand(facts.place)} --cacert FILE`, 'FILE is the certificate of that issuer, the CA'),
      advice('if a CA in between issued it, let the server send that certificate too, after its own'),
      ...showCertificate(facts, 'shows the chain that the server sends'),
    ],
  },
  bad_chain: {
    name: 'certificate_untrusted',
    fixes: (facts) => [
      advice(
        'issue the certificate anew: for servers (extendedKeyUsage serverAuth), by a CA, with a strong key',
      ),
      ...showCertificate(facts, 'shows the chain that the server sends'),
    ],
  },
  wrong_name: {
    name: 'certificate_wrong_name',
    fixes: (facts) => [
      shell(`${doctorCommand(facts.place)} --servername NAME`, 'NAME is a name that the certificate has'),
      advice(`or issue the certificate for ${wantedName(facts)}`),
    ],
  },
  certificate_required: {
    name: 'client_certificate_missing',
    fixes: ({ place, reach }) => [
      reach.hasCertificate
        ? advice('the certificate of --cert is from a CA that the server does not ask for: use another')
        : shell(
            `${doctorCommand(place)} --cert FILE --key FILE`,
            'a certificate from a CA that the server trusts',
          ),
    ],
  },
  certificate_refused: {
    name: 'client_certificate_refused',
    fixes: () => REFUSED_FIXES,
  },
  version: {
    name: 'tls_version',
    fixes: ({ place }) => [
      advice('let the server speak TLS 1.2 or 1.3 (minVersion of a sidecar)'),
      ...onService(place, 'logs --tail 50'),
    ],
  },
  no_tls: {
    name: 'no_tls',
    fixes: ({ place }) => [
      shell(doctorCommand(place), 'if the port is plain: leave --tls, --cacert and --cert out'),
      advice('or correct the port, or give the listener its certificate (tls of a route)'),
    ],
  },
  closed: {
    name: 'tls_failed',
    fixes: ({ place }) => [
      ...onService(place, 'logs --tail 50'),
      shell(doctorCommand(place), 'if the port is plain: leave --tls, --cacert and --cert out'),
      advice('or the server refuses this client: its log says why'),
    ],
  },
  handshake: {
    name: 'tls_failed',
    fixes: (facts) => [
      ...onService(facts.place, 'logs --tail 50'),
      ...(facts.reach.hasCertificate
        ? []
        : [
            shell(
              `${doctorCommand(facts.place)} --cert FILE --key FILE`,
              'if the server requires a certificate: TLS 1.2 does not say so',
            ),
          ]),
      ...showCertificate(facts, 'shows the whole handshake'),
    ],
  },
}

const REFUSED_FIXES: Fix[] = [
  shell('openssl x509 -noout -subject -issuer -dates -in FILE', 'FILE of --cert: it may have expired'),
  advice('present a certificate from a CA that the server trusts (clientCa of a sidecar)'),
]

/** The handshake failed, or an alert came after it. */
export function tlsFinding(facts: Facts): Finding | undefined {
  const { tls, conversation } = facts
  const failure =
    tls?.done === false ? tls.failure : conversation?.kind === 'failed' ? conversation.failure : undefined
  if (!(failure instanceof TlsFailure)) return undefined
  const { name, fixes } = CASES[failure.reason]
  return finding(name, failure.code, failure.message, fixes(facts))
}

/**
 * The server broke off when it had got a certificate, in the handshake (TLS 1.2) or after it (TLS 1.3): some servers
 * send no alert.
 */
export function clientCertificateRefused(facts: Facts): Finding | undefined {
  const { reach, tls, conversation, speaksTls, place } = facts
  const inHandshake = tls?.done === false && isClosed(tls.failure) && speaksTls
  const later = conversation?.kind === 'failed' && conversation.failure.code === 'upstream_reset'
  if (!reach.hasCertificate || !(inHandshake || later)) return undefined
  const message = `${formatEndpoint(place.endpoint)} closed the connection when it had the certificate of this client: it probably refuses it`
  return finding('client_certificate_refused', 'tls_refused', message, REFUSED_FIXES)
}

/** What nginx, Go and others say with a 400. */
const PLAIN_ON_HTTPS = /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server/i

/** Plain text was sent to a port that speaks TLS. */
export function tlsRequired({ reach, conversation, speaksTls, place }: Facts): Finding | undefined {
  const isSaid =
    conversation?.kind === 'server error' &&
    reach.tls === undefined &&
    (conversation.problem?.code === 'tls_required' ||
      (conversation.status === 400 && PLAIN_ON_HTTPS.test(conversation.body)))
  if (!isSaid && (reach.tls !== undefined || !speaksTls)) return undefined
  const message = `${formatEndpoint(place.endpoint)} speaks TLS, and was asked without it`
  return finding('tls_required', 'tls_required', message, [
    shell(`${doctorCommand(place)} --cacert FILE`, 'FILE is the certificate of the CA of the server'),
    shell(`${doctorCommand(place)} --tls`, 'if it is a CA of the system'),
  ])
}

function wantedName({ reach, place }: Facts): string {
  return reach.tls?.serverName ?? (place.endpoint.kind === 'tcp' ? place.endpoint.host : 'this name')
}

function showCertificate({ place: { endpoint } }: Facts, when: string): Fix[] {
  if (endpoint.kind !== 'tcp') return []
  const where = formatEndpoint(endpoint).slice('tcp://'.length)
  return [shell(`${shellCommand('openssl', 's_client', '-connect', where, '-showcerts')} < /dev/null`, when)]
}
