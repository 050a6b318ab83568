import type { UnixEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectDirectories } from '@uds-sidecar/shared/inspect/inspect-directories'
import { inspectFile } from '@uds-sidecar/shared/inspect/inspect-file'
import { NEEDED } from '@uds-sidecar/shared/inspect/permission'
import {
  formatIdentityOfProcess,
  type ProcessIdentity,
  processIdentity,
} from '@uds-sidecar/shared/inspect/process-identity'
import { permissionRemedy } from './permission-remedy.ts'

/** What would let this process connect: the exact line of Compose, or what to change. */
export async function permissionHint({ path }: UnixEndpoint): Promise<string> {
  const who = processIdentity()
  const blocked = (await inspectDirectories(path)).find(({ traversable }) => !traversable)
  if (blocked !== undefined) return hintFor(blocked.path, blocked.facts, who, NEEDED.directory)
  const { facts, link } = await inspectFile(path)
  return hintFor(path, link?.facts ?? facts, who, NEEDED.socket)
}

function hintFor(path: string, facts: FileFacts | null, who: ProcessIdentity, needed: number): string {
  const us = `this process is ${formatIdentityOfProcess(who)}`
  if (facts === null) return `${path} cannot be looked at; ${us}`
  const what = `${path} is ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  return `${permissionRemedy(path, facts, who, needed)} (${what}; ${us})`
}
