import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'
import {
  compose,
  type Facts,
  type Finding,
  type FindingName,
  type Fix,
  finding,
  onService,
  shell,
} from '../diagnosis.ts'
import type { Place } from '../place.ts'

interface Case {
  readonly name: FindingName
  readonly what: string
  readonly fixes: (endpoint: TcpEndpoint, place: Place) => Fix[]
}

const CASES: Partial<Record<FailureCode, Case>> = {
  connection_refused: {
    name: 'refused',
    what: 'the host is up but nobody listens on the port',
    fixes: ({ port }, place) => [
      ...onService(place, 'up -d', 'logs --tail 50'),
      compose(
        `ports: ["127.0.0.1:${port}:${port}"]`,
        'if it listens in a container and the port is not published',
      ),
      shell(`ss -ltnp 'sport = :${port}'`, 'run on its host; shows who listens, and on which address'),
    ],
  },
  host_unknown: {
    name: 'host_unknown',
    what: 'the name does not resolve',
    fixes: ({ host }) => [
      compose('networks: [edge]', 'a service name resolves only on a network that both containers share'),
      shell(shellCommand('getent', 'hosts', ...operand(host))),
    ],
  },
  host_unreachable: {
    name: 'unreachable',
    what: 'there is no route to the host',
    fixes: ({ host }) => [
      compose('networks: [edge]', 'if this container is not on any network'),
      shell(shellCommand('ip', 'route', 'get', host)),
    ],
  },
  upstream_timeout: {
    name: 'connect_timeout',
    what: 'the host does not respond',
    fixes: ({ host, port }, place) => [
      ...onService(place, 'unpause', 'restart'),
      shell(`nft list ruleset | grep ${port}`, 'a firewall may drop the packets'),
      shell(shellCommand('ping', '-c', '1', ...operand(host))),
    ],
  },
}

/** `--` before a name that begins with `-`, which would otherwise be an option. */
function operand(host: string): string[] {
  return host.startsWith('-') ? ['--', host] : [host]
}

/** TCP: connection refused, unknown host, no route, or a timeout. */
export function tcpFinding({ inspection: { connection }, place }: Facts): Finding | undefined {
  if (connection.connected || place.endpoint.kind !== 'tcp') return undefined
  const { code, errno } = connection.failure
  const known = CASES[code]
  if (known === undefined) return undefined
  const { host, port } = place.endpoint
  const message = `${host} port ${port}: ${known.what}${errno === undefined ? '' : ` (${errno})`}`
  return finding(known.name, code, message, known.fixes(place.endpoint, place))
}
