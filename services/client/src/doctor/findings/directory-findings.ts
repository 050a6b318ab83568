import { dirname } from 'node:path'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { DirectoryReport } from '@uds-sidecar/shared/inspect/inspect-directories'
import { formatIdentityOfProcess } from '@uds-sidecar/shared/inspect/process-identity'
import { shellCommand } from '@uds-sidecar/shared/text/shell-word'
import type { Finding } from '../diagnosis.ts'
import type { Facts } from '../facts.ts'
import { compose, finding, mountOf, shell } from '../finding.ts'
import { permissionFixes } from './permission-fixes.ts'

/** A directory on the way is not there, or something else stands in its place. */
export function directoryMissing({ inspection, place }: Facts): Finding | undefined {
  const stop = inspection.directories.find(({ errno }) => errno === 'ENOENT' || errno === 'ENOTDIR')
  if (stop === undefined || place.endpoint.kind !== 'unix') return undefined
  const wanted = dirname(place.endpoint.path)
  return finding('directory_missing', 'socket_missing', `${stop.path} ${whatItIs(stop)}`, [
    compose(mountOf(place, wanted), 'the volume is not mounted here'),
    ...(stop.link === undefined
      ? []
      : [shell(shellCommand('ln', '-sfn', 'REAL-DIRECTORY', stop.path), 'the link is wrong')]),
    ...(stop.facts === null ? [] : [shell(shellCommand('mv', stop.path, `${stop.path}.aside`))]),
    shell(
      shellCommand('install', '-d', '-m', '2750', wanted),
      'without containers, as the user of the server',
    ),
  ])
}

function whatItIs({ facts, link }: DirectoryReport): string {
  if (facts !== null) return `is a ${facts.kind}, not a directory`
  return link === undefined ? 'does not exist' : `is a symbolic link to ${link}, which is not there`
}

/** A directory on the way may not be searched by this uid and its groups. */
export function directoryDenied({ inspection: { directories, who } }: Facts): Finding | undefined {
  const stop = directories.find(({ errno }) => errno === 'EACCES')
  if (stop === undefined || stop.facts === null) return undefined
  const { path, facts } = stop
  const whose = `mode ${formatMode(facts.mode)}, owner ${facts.uid}:${facts.gid}`
  const message = `${formatIdentityOfProcess(who)} may not pass through ${path} (${whose}): x is missing`
  return finding('directory_denied', 'socket_denied', message, permissionFixes(path, facts, who, 0o1))
}
