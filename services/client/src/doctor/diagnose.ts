import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Endpoint, formatEndpoint, parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { type Inspection, inspect } from '@uds-sidecar/shared/inspect/inspect'
import type { Access, Reach } from '../access/access.ts'
import { type Conversation, converse } from './conversation.ts'
import { advice, type Diagnosis, type Facts, type Finding, finding } from './diagnosis.ts'
import { find } from './findings/find.ts'
import type { Place } from './place.ts'
import { stepsOf } from './steps.ts'
import { handshake, isClosed, speaksTls, type TlsReport } from './tls-report.ts'

/** Inspects one endpoint and finds what prevents a response. */
export async function diagnose(place: Place, timeoutMs: number, access: Access): Promise<Diagnosis> {
  const reach = access(place.endpoint)
  const inspection = await inspect(place.endpoint, { timeoutMs })
  const asked = inspection.connection.connected ? await ask(place, reach, timeoutMs) : NOT_ASKED
  const neighbours = await neighboursOf(inspection)
  const facts: Facts = { place, inspection, reach, ...asked, neighbours, timeoutMs }
  return conclude(facts, find(facts))
}

type Asked = Pick<Facts, 'tls' | 'conversation' | 'speaksTls'>

const NOT_ASKED: Asked = { tls: null, conversation: null, speaksTls: false }

async function ask(place: Place, reach: Reach, timeoutMs: number): Promise<Asked> {
  const tls: TlsReport | null =
    reach.tls === undefined ? null : await handshake(place.endpoint, reach.tls, timeoutMs)
  if (tls?.done === false) {
    const isOdd = reach.hasCertificate && isClosed(tls.failure)
    return { ...NOT_ASKED, tls, speaksTls: isOdd && (await speaksTls(place.endpoint, timeoutMs)) }
  }
  const conversation = await converse(place, reach, timeoutMs)
  const isOdd = tls === null && place.endpoint.kind === 'tcp' && mayHideTls(conversation)
  return { tls, conversation, speaksTls: isOdd && (await speaksTls(place.endpoint, timeoutMs)) }
}

/** How servers that expect TLS react to something else: they break off, or send an alert. */
function mayHideTls(conversation: Conversation): boolean {
  if (conversation.kind === 'other protocol') return true
  return conversation.kind === 'failed' && conversation.failure.code === 'upstream_reset'
}

function conclude(facts: Facts, found: Finding | undefined): Diagnosis {
  const endpoint = formatEndpoint(facts.place.endpoint)
  const steps = stepsOf(facts)
  if (found === undefined) return { endpoint, verdict: 'live', steps, finding: null, exitCode: EXIT.ok }
  if (facts.place.onlyFor !== undefined && found.code === 'socket_denied')
    return { endpoint, verdict: 'denied_by_design', steps, finding: null, exitCode: EXIT.ok }
  return { endpoint, verdict: found.name, steps, finding: found, exitCode: found.exitCode }
}

/** Sockets in the same directory as a path that is not a socket: its name may be misspelt. */
async function neighboursOf({ endpoint, file }: Inspection): Promise<string[]> {
  if (endpoint.kind !== 'unix' || file === null || file.facts?.kind === 'socket') return []
  try {
    const entries = await readdir(dirname(endpoint.path), { withFileTypes: true })
    return entries.filter((entry) => entry.isSocket()).map(({ name }) => name)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return []
  }
}

/** An endpoint as the user typed it. An invalid one becomes a finding, so that the other endpoints are still diagnosed. */
export async function diagnoseText(
  text: string,
  look: (endpoint: Endpoint) => Promise<Diagnosis>,
): Promise<Diagnosis> {
  try {
    return await look(parseEndpoint(text))
  } catch (error) {
    if (!(error instanceof Failure) || (error.code !== 'bad_endpoint' && error.code !== 'path_too_long'))
      throw error
    return invalid(text, error.code, error)
  }
}

function invalid(
  endpoint: string,
  name: 'bad_endpoint' | 'path_too_long',
  { message, hint }: Failure,
): Diagnosis {
  const found = finding(name, name, message, [advice(hint)])
  const step = { state: 'failed', subject: 'address', said: name } as const
  return { endpoint, verdict: name, steps: [step], finding: found, exitCode: found.exitCode }
}
