import { dirname, join } from 'node:path'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { shellCommand, shellWord } from '@uds-sidecar/shared/text/shell-word'
import { advice, type Facts, type Finding, type Fix, finding, onService, shell } from '../diagnosis.ts'
import type { Place, Protocol } from '../place.ts'
import { wakeUp } from './listener-findings.ts'

/** It accepts connections and sends nothing. */
export function hung({ tls, conversation, place, timeoutMs }: Facts): Finding | undefined {
  const inHandshake = tls?.done === false && tls.failure.code === 'upstream_timeout'
  const later = conversation?.kind === 'failed' && conversation.failure.code === 'upstream_timeout'
  if (!inHandshake && !later) return undefined
  const where = formatEndpoint(place.endpoint)
  const message = `${where} accepted the connection and did not respond within ${timeoutMs} ms: it is paused, stuck or overloaded`
  return finding('hung', 'upstream_timeout', message, wakeUp(place))
}

/** It accepts connections and closes them. */
export function reset({
  inspection: { connection },
  reach,
  conversation,
  place,
}: Facts): Finding | undefined {
  const atOnce = !connection.connected && connection.failure.code === 'upstream_reset'
  const later = conversation?.kind === 'failed' && conversation.failure.code === 'upstream_reset'
  if (!atOnce && !later) return undefined
  const message = `${formatEndpoint(place.endpoint)} accepted the connection and closed it without a response`
  return finding('reset', 'upstream_reset', message, [
    ...onService(place, 'logs --tail 50', 'restart'),
    ...(reach.tls === undefined
      ? []
      : [
          shell(
            `${doctorCommand(place)} --cert FILE --key FILE`,
            'if the server asks for a certificate of the client: the handshake itself was done',
          ),
        ]),
    shell(doctorAgain(place, 'none'), `if the server does not speak ${place.protocol}`),
    ...(place.endpoint.kind === 'tcp' ? [advice(PROXY_HEADER)] : []),
  ])
}

const PROXY_HEADER =
  'if it is a route of the sidecar with proxyProtocol: v2, connect through its proxy: without a PROXY header of a trusted proxy each connection is closed'

/** It responds in another protocol. */
export function wrongProtocol({ conversation, place }: Facts): Finding | undefined {
  if (conversation?.kind !== 'other protocol') return undefined
  const where = formatEndpoint(place.endpoint)
  const message = `${where} responds in another protocol than ${place.protocol}: ${JSON.stringify(conversation.said)}`
  const other = place.protocol === 'http' ? 'echo' : 'http'
  return finding('wrong_protocol', 'upstream_malformed', message, [
    shell(doctorAgain(place, other), `if the server should speak ${other}`),
    shell(doctorAgain(place, 'none'), 'only connects'),
  ])
}

/** It is a sidecar that runs, and an app behind it does not respond as it should. */
export function notReady({ conversation, place }: Facts): Finding | undefined {
  if (conversation?.kind !== 'server error' || conversation.down.length === 0) return undefined
  const { down, status } = conversation
  const routes = down.map(({ route, code }) => `route ${route}: ${code ?? 'no connection yet'}`)
  return {
    name: 'not_ready',
    code: down[0]?.code ?? `http_${status}`,
    message: `${formatEndpoint(place.endpoint)} is not ready, because of what is behind it: ${routes.join(', ')}`,
    fixes: [advice('/routes of this port has the last error of each route, and what to do about it')],
    exitCode: EXIT.notAnswering,
  }
}

/** It responds that it cannot serve the request, or that its upstream cannot. */
export function serverError({ conversation, place }: Facts): Finding | undefined {
  if (conversation?.kind !== 'server error') return undefined
  const { status, problem, body } = conversation
  const said = problem?.detail ?? problem?.title ?? body
  const hint = problem?.hint === undefined ? readItsLog(place, status) : [advice(problem.hint)]
  return {
    name: 'server_error',
    code: problem?.code ?? `http_${status}`,
    message: `${formatEndpoint(place.endpoint)} responded to GET ${place.path} with ${status}: ${said}`,
    fixes: [...hint, ...onService(place, 'logs --tail 50')],
    exitCode: EXIT.notAnswering,
  }
}

/** The server runs and sent no hint: only its log shows the reason. */
function readItsLog({ endpoint, service }: Place, status: number): Fix[] {
  const fault = status >= 500 ? 'the error is in the server' : 'the server refuses this request'
  const log = advice(`${fault}, not in the connection: read the log of the process that listens there`)
  if (service !== undefined) return [log]
  return [log, shell(whoListens(endpoint), 'shows the process; run as root on the host of the server')]
}

function whoListens(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      // `ss` shows the name at bind. A socket that was renamed into place was bound under another name in this directory.
      return `ss -xlpn | grep -F ${shellWord(join(dirname(endpoint.path), '/'))}`
    case 'abstract':
      return `ss -xlpn | grep -F ${shellWord(`@${endpoint.name}`)}`
    case 'tcp':
      return `ss -ltnp 'sport = :${endpoint.port}'`
  }
}

/** The command that diagnoses the endpoint again, to which a fix adds options. */
export function doctorCommand({ endpoint }: Place): string {
  return shellCommand('client', 'doctor', formatEndpoint(endpoint))
}

function doctorAgain({ endpoint }: Place, protocol: Protocol): string {
  return shellCommand('client', 'doctor', formatEndpoint(endpoint), '--protocol', protocol)
}
