import { dirname, join } from 'node:path'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { shellCommand, shellWord } from '@uds-sidecar/shared/text/shell-word'
import { advice, type Facts, type Finding, type Fix, finding, onService, shell } from '../diagnosis.ts'
import type { Place, Protocol } from '../place.ts'
import { wakeUp } from './listener-findings.ts'

/** It takes connections and says nothing. */
export function hung({ conversation, place, timeoutMs }: Facts): Finding | undefined {
  if (conversation?.kind !== 'failed' || conversation.failure.code !== 'upstream_timeout') return undefined
  const where = formatEndpoint(place.endpoint)
  const message = `${where} took the connection and did not answer within ${timeoutMs} ms: it is paused, stuck or overloaded`
  return finding('hung', 'upstream_timeout', message, wakeUp(place))
}

/** It takes connections and hangs up on them. */
export function reset({ inspection: { connection }, conversation, place }: Facts): Finding | undefined {
  const atOnce = !connection.connected && connection.failure.code === 'upstream_reset'
  const later = conversation?.kind === 'failed' && conversation.failure.code === 'upstream_reset'
  if (!atOnce && !later) return undefined
  const message = `${formatEndpoint(place.endpoint)} took the connection and closed it before an answer`
  return finding('reset', 'upstream_reset', message, [
    ...onService(place, 'logs --tail 50', 'restart'),
    shell(doctorAgain(place, 'none'), `it may not speak ${place.protocol}`),
  ])
}

/** It answers in another protocol than the one that was asked. */
export function wrongProtocol({ conversation, place }: Facts): Finding | undefined {
  if (conversation?.kind !== 'other protocol') return undefined
  const where = formatEndpoint(place.endpoint)
  const message = `${where} answers, and not in ${place.protocol}: ${JSON.stringify(conversation.said)}`
  const other = place.protocol === 'http' ? 'echo' : 'http'
  return finding('wrong_protocol', 'upstream_malformed', message, [
    shell(doctorAgain(place, other), 'if it is meant to speak that'),
    shell(doctorAgain(place, 'none'), 'only connect'),
  ])
}

/** It answers that it cannot serve, or that what is behind it cannot. */
export function serverError({ conversation, place }: Facts): Finding | undefined {
  if (conversation?.kind !== 'server error') return undefined
  const { status, problem, body } = conversation
  const said = problem?.detail ?? problem?.title ?? body
  const hint = problem?.hint === undefined ? readItsLog(place, status) : [advice(problem.hint)]
  return {
    name: 'server_error',
    code: problem?.code ?? `http_${status}`,
    message: `${formatEndpoint(place.endpoint)} answers GET ${place.path} with ${status}: ${said}`,
    fixes: [...hint, ...onService(place, 'logs --tail 50')],
    exitCode: EXIT.notAnswering,
  }
}

/** The server lives and said no more: only its log knows why. */
function readItsLog({ endpoint, service }: Place, status: number): Fix[] {
  const fault = status >= 500 ? 'the fault is in the server' : 'the server refuses this request'
  const log = advice(`${fault}, not on the way to it: look at the log of the process that listens there`)
  if (service !== undefined) return [log]
  return [log, shell(whoListens(endpoint), 'as root, on the host of the server: names it')]
}

function whoListens(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      // A socket that was published by renaming keeps the name that it was bound to, in the same directory.
      return `ss -xlpn | grep -F ${shellWord(join(dirname(endpoint.path), '/'))}`
    case 'abstract':
      return `ss -xlpn | grep -F ${shellWord(`@${endpoint.name}`)}`
    case 'tcp':
      return `ss -ltnp 'sport = :${endpoint.port}'`
  }
}

function doctorAgain({ endpoint }: Place, protocol: Protocol): string {
  return shellCommand('client', 'doctor', formatEndpoint(endpoint), '--protocol', protocol)
}
