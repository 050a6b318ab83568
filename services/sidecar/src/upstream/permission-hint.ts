import type { UnixEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type FileFacts, formatMode, inspectFile } from '@uds-sidecar/shared/inspect/file-facts'
import { inspectDirectories } from '@uds-sidecar/shared/inspect/inspect'
import {
  explainUnmappedOwner,
  formatIdentityOfProcess,
  NEEDED,
  type ProcessIdentity,
  permissionFixes,
  processIdentity,
  type Right,
} from '@uds-sidecar/shared/inspect/permission'
import { isUnmapped } from '@uds-sidecar/shared/inspect/user-namespace'

/**
 * The change that gives `who` the missing permission on the file at `path`: a line for the Compose file, or a command
 * (path_resolution(7), unix(7)). When the mode already permits access, something other than the mode denies it.
 * @param needed the permission bits, from `NEEDED`.
 */
export function permissionRemedy(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  needed: Right,
): string {
  const fixes = permissionFixes(path, facts, who, needed)
  if (fixes.some(({ fix }) => fix === 'look_beyond_mode'))
    return 'the mode permits it: check access control lists, AppArmor and SELinux'
  const steps = fixes.flatMap((each) => {
    if (each.fix === 'widen')
      return [`${each.command}${each.where === 'outside' ? ' outside this user namespace' : ''}`]
    if (each.fix === 'keep_groups') return [`start this service with \`${each.command}\`, ${each.when}`]
    return each.fix === 'join_group' ? [`add ${each.compose} to this service`] : []
  })
  const mappings = fixes.flatMap((each) =>
    each.fix === 'map_ids' ? [`; or map its ${each.ids.join(' and ')} with \`${each.command}\``] : [],
  )
  const isWidened = fixes.some((each) => each.fix === 'widen' && each.for === 'group')
  const owner = isUnmapped(facts.uid, who.userNamespace.uid) ? 'its owner' : `uid ${facts.uid}`
  const unless = isWidened ? `, unless only ${owner} is meant to have access` : ''
  return `${steps.join(' and ')}${unless}${mappings.join('')}`
}

/**
 * What to change so that this process may connect to `path`: the first directory that denies access, or the socket.
 * Ends with the mode and owner of that file, and the identity of this process.
 */
export async function permissionHint({ path }: UnixEndpoint): Promise<string> {
  const who = processIdentity()
  const blocked = (await inspectDirectories(path)).find(({ traversable }) => !traversable)
  if (blocked !== undefined) return hintFor(blocked.path, blocked.facts, who, NEEDED.directory)
  const { facts, link } = await inspectFile(path)
  return hintFor(path, link?.facts ?? facts, who, NEEDED.socket)
}

function hintFor(path: string, facts: FileFacts | null, who: ProcessIdentity, needed: Right): string {
  const us = `this process is ${formatIdentityOfProcess(who)}`
  if (facts === null) return `${path} cannot be inspected; ${us}`
  const what = `${path} is ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  const said = [what, explainUnmappedOwner(facts, who), us].filter((each) => each !== undefined).join('; ')
  return `${permissionRemedy(path, facts, who, needed)} (${said})`
}
