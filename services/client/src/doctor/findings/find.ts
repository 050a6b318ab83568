import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { advice, type Facts, type Finding, finding } from '../diagnosis.ts'
import { callerFinding } from './caller-findings.ts'
import { hung, notReady, reset, serverError, wrongProtocol } from './conversation-findings.ts'
import {
  danglingLink,
  directoryDenied,
  directoryMissing,
  fileMissing,
  impossibleLink,
  linkDenied,
  notASocket,
  socketDenied,
} from './file-findings.ts'
import { backlogFull, nameMissing, stale, wrongSocketType } from './listener-findings.ts'
import { tcpFinding } from './tcp-findings.ts'
import { clientCertificateRefused, tlsFinding, tlsRequired } from './tls-findings.ts'

/** In the order in which the kernel checks. */
const FINDERS: readonly ((facts: Facts) => Finding | undefined)[] = [
  directoryMissing,
  directoryDenied,
  fileMissing,
  impossibleLink,
  danglingLink,
  linkDenied,
  notASocket,
  socketDenied,
  wrongSocketType,
  stale,
  backlogFull,
  nameMissing,
  tcpFinding,
  clientCertificateRefused,
  tlsFinding,
  tlsRequired,
  callerFinding,
  hung,
  reset,
  wrongProtocol,
  notReady,
  serverError,
  anythingElse,
]

/** What prevents a response; undefined if nothing does. */
export function find(facts: Facts): Finding | undefined {
  for (const finder of FINDERS) {
    const found = finder(facts)
    if (found !== undefined) return found
  }
  return undefined
}

/** Reports any failure that no other finder knows. */
function anythingElse({ inspection: { connection }, tls, conversation }: Facts): Finding | undefined {
  if (!connection.connected) return other(connection.failure)
  if (tls?.done === false) return other(tls.failure)
  return conversation?.kind === 'failed' ? other(conversation.failure) : undefined
}

function other(failure: Failure): Finding {
  return finding('other', failure.code, failure.message, [advice(failure.hint)])
}
