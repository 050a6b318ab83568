import { basename, dirname, join } from 'node:path'
import { type FileFacts, formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { DirectoryReport } from '@uds-sidecar/shared/inspect/inspect'
import {
  explainUnmappedOwner,
  formatIdentityOfProcess,
  NEEDED,
  type PermissionFix,
  type ProcessIdentity,
  permissionFixes,
  type Right,
} from '@uds-sidecar/shared/inspect/permission'
import { shellCommand, shellWord } from '@uds-sidecar/shared/text/shell-word'
import { suggest } from '../../cli/suggest.ts'
import {
  advice,
  compose,
  type Facts,
  type Finding,
  type Fix,
  finding,
  mountOf,
  onService,
  shell,
} from '../diagnosis.ts'

/** What gives this process the right that it lacks, as the doctor shows it: several ways, each with when to take it. */
export function permissionFixesFor(
  path: string,
  facts: FileFacts,
  who: ProcessIdentity,
  right: Right,
): Fix[] {
  return permissionFixes(path, facts, who, right).flatMap((each) => shown(each, path, facts, right))
}

function shown(each: PermissionFix, path: string, facts: FileFacts, right: Right): Fix[] {
  switch (each.fix) {
    case 'look_beyond_mode':
      return [
        shell(shellCommand('getfacl', path), 'an access control list may say otherwise than the mode'),
        shell('dmesg | grep -iE "apparmor|avc"', 'or AppArmor or SELinux denies it'),
      ]
    case 'join_group':
      return [compose(each.compose), shell(`sudo usermod -aG ${each.gid} "$(id -un)"`)]
    case 'be_owner':
      return [
        compose(`user: "${each.uid}"`, 'if it is meant for its owner alone'),
        shell(`sudo -u "#${each.uid}" COMMAND`),
      ]
    case 'widen':
      if (each.where === 'outside') return [shell(each.command, 'outside this user namespace')]
      return each.for === 'owner' ? [shell(each.command)] : widenGroup(each.command, facts, right)
    case 'keep_groups':
      return [shell(each.command, each.when)]
    case 'move_volume':
      return [
        compose(
          `o: "uid=UID+${each.by.uid},gid=GID+${each.by.gid},…"`,
          'driver_opts of its volume, as sums: this engine remaps ids (userns-remap), and mounts volumes without',
        ),
      ]
    case 'map_ids':
      return [
        shell(each.command, 'if /etc/subuid and /etc/subgid let you map what the next command shows'),
        shell(shellCommand('stat', '-c', '%u:%g', path), 'on the host: its real uid and gid'),
        compose('userns_mode: "host"', 'with the userns-remap of Docker'),
      ]
  }
}

function widenGroup(command: string, facts: FileFacts, right: Right): Fix[] {
  const wider = formatMode(facts.mode | (right << 3))
  const volume = compose(`o: "uid=${facts.uid},gid=${facts.gid},mode=${wider}"`, 'driver_opts of its volume')
  const chmod = shell(command, 'if its group should have access')
  return facts.kind === 'directory' ? [volume, chmod] : [chmod]
}

/** A directory of the path is missing, or is not a directory. */
export function directoryMissing({ inspection, place }: Facts): Finding | undefined {
  const stop = inspection.directories.find(({ errno }) => errno === 'ENOENT' || errno === 'ENOTDIR')
  if (stop === undefined || place.endpoint.kind !== 'unix') return undefined
  const wanted = dirname(place.endpoint.path)
  return finding('directory_missing', 'socket_missing', `${stop.path} ${whatItIs(stop)}`, [
    compose(mountOf(place, wanted), 'if the volume is not mounted here'),
    ...(stop.link === undefined
      ? []
      : [shell(shellCommand('ln', '-sfn', 'REAL-DIRECTORY', stop.path), 'if the link is wrong')]),
    ...(stop.facts === null ? [] : [shell(shellCommand('mv', stop.path, `${stop.path}.aside`))]),
    shell(
      shellCommand('install', '-d', '-m', '2750', wanted),
      'without containers; run as the user of the server',
    ),
  ])
}

function whatItIs({ facts, link }: DirectoryReport): string {
  if (facts !== null) return `is a ${facts.kind}, not a directory`
  return link === undefined ? 'does not exist' : `is a symbolic link to ${link}, which does not exist`
}

/** This uid and its groups have no x on a directory of the path. */
export function directoryDenied({ inspection: { directories, who } }: Facts): Finding | undefined {
  const stop = directories.find(({ errno }) => errno === 'EACCES')
  if (stop === undefined || stop.facts === null) return undefined
  const { path, facts } = stop
  const whose = `mode ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  const message = `${formatIdentityOfProcess(who)} may not pass through ${path} (${whose}): x is missing${unmapped(facts, who)}`
  return finding(
    'directory_denied',
    'socket_denied',
    message,
    permissionFixesFor(path, facts, who, NEEDED.directory),
  )
}

/** The directory exists, the file does not. */
export function fileMissing({ inspection: { file }, place, neighbours }: Facts): Finding | undefined {
  if (file?.errno !== 'ENOENT' || place.endpoint.kind !== 'unix') return undefined
  const { path } = place.endpoint
  const beside = neighbours.length === 0 ? '' : `; in the same directory: ${neighbours.join(', ')}`
  const near = suggest(basename(path), neighbours)
  return finding('file_missing', 'socket_missing', `${path} does not exist${beside}`, [
    ...(near === undefined
      ? []
      : [
          shell(
            shellCommand('client', 'doctor', `unix:${join(dirname(path), near)}`),
            'if you meant this socket',
          ),
        ]),
    ...onService(place, 'up -d', 'logs --tail 50'),
    ...(place.service === undefined
      ? [shell(`ss -xlpn | grep -F ${shellWord(path)}`, 'shows whether its server runs')]
      : []),
  ])
}

/** A symbolic link whose target does not exist. */
export function danglingLink({ inspection: { file, connection }, place }: Facts): Finding | undefined {
  if (file?.link == null || file.link.facts !== null || place.endpoint.kind !== 'unix') return undefined
  if (connection.connected || connection.failure.code !== 'socket_missing') return undefined
  const { path } = place.endpoint
  const { target } = file.link
  return finding(
    'dangling_link',
    'socket_missing',
    `${path} is a symbolic link to ${target}, which does not exist`,
    [
      shell(shellCommand('ln', '-sfn', 'REAL-SOCKET', path), 'if the link is wrong'),
      ...onService(place, 'up -d'),
    ],
  )
}

const IMPOSSIBLE: Readonly<Record<string, string>> = {
  ELOOP: 'a loop of symbolic links',
  ENAMETOOLONG: 'a symbolic link to a name that is too long',
}

/** A symbolic link, at the path or above it, that can never be resolved. */
export function impossibleLink({ inspection, place }: Facts): Finding | undefined {
  const { connection, directories } = inspection
  if (connection.connected || place.endpoint.kind !== 'unix') return undefined
  const what = IMPOSSIBLE[connection.failure.errno ?? '']
  if (what === undefined) return undefined
  const { path } = place.endpoint
  const directory = directories.find(({ traversable }) => !traversable)
  const [at, real] = directory === undefined ? [path, 'REAL-SOCKET'] : [directory.path, 'REAL-DIRECTORY']
  return finding('not_a_socket', 'not_a_socket', `${at} is ${what}`, [
    shell(shellCommand('namei', '-l', path), 'shows each link of the path'),
    shell(shellCommand('ln', '-sfn', real, at), 'if the link is wrong'),
    ...onService(place, 'up -d'),
  ])
}

/** A symbolic link to a socket in a directory without x. */
export function linkDenied({ inspection: { file, connection, who }, place }: Facts): Finding | undefined {
  if (file?.link == null || file.link.facts !== null || place.endpoint.kind !== 'unix') return undefined
  if (connection.connected || connection.failure.code !== 'socket_denied') return undefined
  const { path } = place.endpoint
  const message = `${formatIdentityOfProcess(who)} may not reach ${file.link.target}, the target of the symbolic link ${path}`
  return finding('directory_denied', 'socket_denied', message, [
    shell(shellCommand('namei', '-l', path), 'shows the directory where x is missing'),
  ])
}

/** The file at the path is not a socket. */
export function notASocket({ inspection, place, neighbours }: Facts): Finding | undefined {
  const facts = target(inspection.file)
  if (facts == null || facts.kind === 'socket' || place.endpoint.kind !== 'unix') return undefined
  const { path } = place.endpoint
  const beside = neighbours.length === 0 ? '' : `; sockets in the same directory: ${neighbours.join(', ')}`
  const directory = compose(mountOf(place, dirname(path)), DOCKER_CREATED_IT)
  return finding('not_a_socket', 'not_a_socket', `${path} is a ${facts.kind}${beside}`, [
    advice('correct the path, if this file belongs there'),
    ...(facts.kind === 'directory' ? [directory] : []),
    shell(shellCommand('mv', path, `${path}.aside`), 'if it does not belong there'),
    ...onService(place, 'restart'),
  ])
}

const DOCKER_CREATED_IT =
  'Docker creates a directory when the file to mount does not exist: mount the directory of the socket'

/** The mode of the socket denies this process. */
export function socketDenied({ inspection, place }: Facts): Finding | undefined {
  const { file, who, connection } = inspection
  const facts = target(file)
  if (connection.connected || connection.failure.code !== 'socket_denied' || facts == null) return undefined
  if (place.endpoint.kind !== 'unix') return undefined
  const { path } = place.endpoint
  const whose = `mode ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  const message = `${formatIdentityOfProcess(who)} may not write to ${path} (${whose}), and connecting needs w${unmapped(facts, who)}`
  return finding(
    'socket_denied',
    'socket_denied',
    message,
    permissionFixesFor(path, facts, who, NEEDED.socket),
  )
}

function unmapped(facts: FileFacts, who: ProcessIdentity): string {
  const sentence = explainUnmappedOwner(facts, who)
  return sentence === undefined ? '' : `; ${sentence}`
}

function target(file: Facts['inspection']['file']): FileFacts | null | undefined {
  return file?.link == null ? file?.facts : file.link.facts
}
