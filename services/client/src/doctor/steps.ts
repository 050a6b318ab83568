import { formatEndpoint, MAX_PATH_BYTES } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { DirectoryReport } from '@uds-sidecar/shared/inspect/inspect'
import { classMay, formatIdentityOfProcess } from '@uds-sidecar/shared/inspect/permission'
import { formatOwner, type UserNamespace } from '@uds-sidecar/shared/inspect/user-namespace'
import type { Facts, Step } from './diagnosis.ts'
import { expirySoon } from './tls-report.ts'

/** The path to a response, one line for each check. */
export function stepsOf(facts: Facts): Step[] {
  return [
    address(facts),
    ...directories(facts),
    ...file(facts),
    ...kernel(facts),
    connection(facts),
    ...tls(facts),
    ...response(facts),
  ]
}

function address({ inspection: { addressBytes, who } }: Facts): Step {
  const bytes = addressBytes === null ? '' : `, ${addressBytes} of ${MAX_PATH_BYTES} bytes`
  return { state: 'ok', subject: 'address', said: `valid${bytes}; asked as ${formatIdentityOfProcess(who)}` }
}

function directories({ inspection }: Facts): Step[] {
  return inspection.directories.map((report) => ({
    state: report.traversable ? 'ok' : 'failed',
    subject: report.path,
    said: describeDirectory(report, inspection.who.userNamespace),
  }))
}

function describeDirectory({ facts, errno, traversable }: DirectoryReport, namespace: UserNamespace): string {
  const what = facts === null ? '' : ` ${describeFile(facts, namespace)}`
  return `${traversable ? 'passable:' : (errno ?? 'stopped')}${what}`.trim()
}

function describeFile(facts: FileFacts, namespace: UserNamespace): string {
  return `${facts.kind}, mode ${formatMode(facts.mode)}, owner ${formatOwner(facts, namespace)}`
}

function file({ inspection: { file, directories, who } }: Facts): Step[] {
  if (file === null) return []
  if (file.facts === null) return [{ state: 'failed', subject: 'file', said: file.errno ?? 'unknown' }]
  const link = file.link === null ? '' : ` to ${file.link.target}`
  const facts = file.link === null ? file.facts : file.link.facts
  const said = `${describeFile(file.facts, who.userNamespace)}${link}`
  if (facts?.kind !== 'socket') return [{ state: 'failed', subject: 'file', said }]
  return openToAll(facts, directories)
    ? [{ state: 'note', subject: 'file', said: `${said}: every user of this machine may connect` }]
    : [{ state: 'ok', subject: 'file', said }]
}

function openToAll(socket: FileFacts, parents: readonly DirectoryReport[]): boolean {
  return (
    classMay(socket, 'others', 0o2) &&
    parents.every(({ facts }) => facts !== null && classMay(facts, 'others', 0o1))
  )
}

const KERNEL = {
  listening: { state: 'ok', said: '/proc/net/unix has a listener' },
  bound: { state: 'note', said: '/proc/net/unix has a socket with that name, which does not listen' },
  unseen: { state: 'note', said: '/proc/net/unix has no such socket in this network namespace' },
  unknown: undefined,
} as const

/**
 * /proc/net/unix shows only the listeners of this network namespace. That it has none means something only if the socket
 * refused the connection, so otherwise there is no step.
 */
function kernel({ inspection: { kernel, connection } }: Facts): Step[] {
  const said = KERNEL[kernel]
  const refused = !connection.connected && connection.failure.errno === 'ECONNREFUSED'
  if (said === undefined || (kernel === 'unseen' && !refused)) return []
  return [{ subject: 'listener', ...said }]
}

function connection({ inspection: { connection, endpoint } }: Facts): Step {
  if (connection.connected)
    return { state: 'ok', subject: 'connect', said: `accepted in ${connection.ms.toFixed(1)} ms` }
  const { code, errno } = connection.failure
  return {
    state: 'failed',
    subject: 'connect',
    said: `${code}${errno ? ` (${errno})` : ''}: ${formatEndpoint(endpoint)}`,
  }
}

function tls({ tls }: Facts): Step[] {
  if (tls === null) return []
  if (!tls.done) return [{ state: 'failed', subject: 'tls', said: tls.failure.code }]
  const { protocol, certificate, ms } = tls
  const said = `${protocol} in ${ms.toFixed(1)} ms; certificate of ${certificate.subject} from ${certificate.issuer}, until ${certificate.validTo.toISOString()}`
  const left = expirySoon(certificate)
  return [
    left === undefined
      ? { state: 'ok', subject: 'tls', said }
      : { state: 'note', subject: 'tls', said: `${said}: it expires ${left}, renew it` },
  ]
}

function response({ conversation }: Facts): Step[] {
  switch (conversation?.kind) {
    case undefined:
      return []
    case 'responded':
      return [{ state: 'ok', subject: 'response', said: conversation.said }]
    case 'failed':
      return [{ state: 'failed', subject: 'response', said: conversation.failure.code }]
    case 'other protocol':
      return [{ state: 'failed', subject: 'response', said: JSON.stringify(conversation.said) }]
    case 'server error':
      return [{ state: 'failed', subject: 'response', said: String(conversation.status) }]
  }
}
