import { formatEndpoint, MAX_PATH_BYTES } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { DirectoryReport } from '@uds-sidecar/shared/inspect/inspect'
import { classMay, formatIdentityOfProcess } from '@uds-sidecar/shared/inspect/permission'
import type { Facts, Step } from './diagnosis.ts'

/** The way to an answer, one line for each thing that was looked at. */
export function stepsOf(facts: Facts): Step[] {
  return [
    address(facts),
    ...directories(facts),
    ...file(facts),
    ...kernel(facts),
    connection(facts),
    ...answer(facts),
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
    said: describeDirectory(report),
  }))
}

function describeDirectory({ facts, errno, traversable }: DirectoryReport): string {
  const what = facts === null ? '' : ` ${describeFile(facts)}`
  return `${traversable ? 'passable:' : (errno ?? 'stopped')}${what}`.trim()
}

function describeFile({ kind, mode, uid, gid }: FileFacts): string {
  return `${kind}, mode ${formatMode(mode)}, owner ${uid}:${gid}`
}

function file({ inspection: { file, directories } }: Facts): Step[] {
  if (file === null) return []
  if (file.facts === null) return [{ state: 'failed', subject: 'file', said: file.errno ?? 'unknown' }]
  const link = file.link === null ? '' : ` to ${file.link.target}`
  const facts = file.link === null ? file.facts : file.link.facts
  const said = `${describeFile(file.facts)}${link}`
  if (facts?.kind !== 'socket') return [{ state: 'failed', subject: 'file', said }]
  return openToAll(facts, directories)
    ? [{ state: 'note', subject: 'file', said: `${said}: every user of this machine may connect` }]
    : [{ state: 'ok', subject: 'file', said }]
}

function openToAll(socket: FileFacts, way: readonly DirectoryReport[]): boolean {
  return (
    classMay(socket, 'others', 0o2) &&
    way.every(({ facts }) => facts !== null && classMay(facts, 'others', 0o1))
  )
}

const KERNEL = {
  listening: { state: 'ok', said: '/proc/net/unix has a listener' },
  bound: { state: 'note', said: '/proc/net/unix has a socket of that name, which does not listen' },
  unseen: { state: 'note', said: '/proc/net/unix shows none in this network namespace' },
  unknown: undefined,
} as const

/**
 * Silence where the table proves nothing: it never shows a listener in another network namespace, so an empty one only
 * tells something of a socket that refused us.
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

function answer({ conversation }: Facts): Step[] {
  switch (conversation?.kind) {
    case undefined:
      return []
    case 'answered':
      return [{ state: 'ok', subject: 'answer', said: conversation.said }]
    case 'failed':
      return [{ state: 'failed', subject: 'answer', said: conversation.failure.code }]
    case 'other protocol':
      return [{ state: 'failed', subject: 'answer', said: JSON.stringify(conversation.said) }]
    case 'server error':
      return [{ state: 'failed', subject: 'answer', said: String(conversation.status) }]
  }
}
