import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { shellCommand, shellWord } from '@uds-sidecar/shared/text/shell-word'
import { compose, type Facts, type Finding, type Fix, finding, onService, shell } from '../diagnosis.ts'
import type { Place } from '../place.ts'

/** The file is a socket but nobody listens on it. */
export function stale(facts: Facts): Finding | undefined {
  if (codeOf(facts) !== 'socket_stale' || facts.place.endpoint.kind !== 'unix') return undefined
  const { path } = facts.place.endpoint
  const message = `nobody listens on ${path}: its process ended without removing the file, or closed the socket and kept the file`
  return finding('stale', 'socket_stale', message, [
    ...onService(facts.place, 'restart', 'logs --tail 50'),
    shell(shellCommand('rm', path), 'only if the server does not replace a stale socket when it starts'),
  ])
}

/** Connections wait, nobody accepts them, and the queue is full. */
export function backlogFull(facts: Facts): Finding | undefined {
  if (codeOf(facts) !== 'backlog_full') return undefined
  const where = formatEndpoint(facts.place.endpoint)
  const message = `the listen backlog of ${where} is full: its process runs but accepts no connections`
  return finding('backlog_full', 'backlog_full', message, wakeUp(facts.place))
}

/** An abstract name on which nobody listens in this network namespace. */
export function nameMissing(facts: Facts): Finding | undefined {
  if (codeOf(facts) !== 'socket_missing' || facts.place.endpoint.kind !== 'abstract') return undefined
  const { name } = facts.place.endpoint
  const message = `nobody in this network namespace listens on the abstract name ${name}`
  return finding('name_missing', 'socket_missing', message, [
    compose(
      `network_mode: "service:${facts.place.service ?? 'SERVER'}"`,
      'if the server has another network namespace',
    ),
    shell(
      `ss -xl | grep -F ${shellWord(`@${name}`)}`,
      'run in the namespace of the server; shows whether it listens',
    ),
  ])
}

/** A socket of another type than stream. */
export function wrongSocketType({ inspection: { connection }, place }: Facts): Finding | undefined {
  if (connection.connected || connection.failure.errno !== 'EPROTOTYPE') return undefined
  const message = `${formatEndpoint(place.endpoint)} is not a stream socket, but a datagram socket or another type`
  return finding('wrong_socket_type', 'not_a_socket', message, [
    shell('ss -xa', 'the second column shows the type: u_str is stream, u_dgr is datagram'),
  ])
}

/** Fixes for a process that runs but does not serve. */
export function wakeUp(place: Place): Fix[] {
  return [
    ...onService(place, 'unpause', 'restart', 'logs --tail 50'),
    shell('ss -xlpn', 'Recv-Q is the number of waiting connections; the last column names the process'),
    shell('kill -CONT PID', 'if the process is stopped'),
  ]
}

function codeOf({ inspection: { connection } }: Facts): string | undefined {
  return connection.connected ? undefined : connection.failure.code
}
