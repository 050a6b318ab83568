import type { UnixEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectDirectories } from '@uds-sidecar/shared/inspect/inspect'
import {
  formatIdentityOfProcess,
  NEEDED,
  type ProcessIdentity,
  permissionFixes,
  processIdentity,
  type Right,
} from '@uds-sidecar/shared/inspect/permission'

/** The fixes as one sentence: a line of Compose, a command, or both. */
export function permissionRemedy(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  needed: Right,
): string {
  const fixes = permissionFixes(path, facts, who, needed)
  if (fixes.some(({ fix }) => fix === 'look_beyond_mode'))
    return 'check access control lists, AppArmor and SELinux'
  const steps = fixes.flatMap((each) => {
    if (each.fix === 'widen') return [each.command]
    return each.fix === 'join_group' ? [`add ${each.compose} to this service`] : []
  })
  const isWidened = fixes.some((each) => each.fix === 'widen' && each.for === 'group')
  return `${steps.join(' and ')}${isWidened ? `, unless it is meant for uid ${facts.uid} alone` : ''}`
}

/** What would let this process connect: the exact line of Compose, or what to change. */
export async function permissionHint({ path }: UnixEndpoint): Promise<string> {
  const who = processIdentity()
  const blocked = (await inspectDirectories(path)).find(({ traversable }) => !traversable)
  if (blocked !== undefined) return hintFor(blocked.path, blocked.facts, who, NEEDED.directory)
  const { facts, link } = await inspectFile(path)
  return hintFor(path, link?.facts ?? facts, who, NEEDED.socket)
}

function hintFor(path: string, facts: FileFacts | null, who: ProcessIdentity, needed: Right): string {
  const us = `this process is ${formatIdentityOfProcess(who)}`
  if (facts === null) return `${path} cannot be looked at; ${us}`
  const what = `${path} is ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  return `${permissionRemedy(path, facts, who, needed)} (${what}; ${us})`
}
