import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import { visible } from '@uds-sidecar/shared/text/visible'
import type { Finding, FindingName, Fix } from './diagnosis.ts'
import type { Place } from './place.ts'

export function finding(
  name: FindingName,
  code: FailureCode,
  message: string,
  fixes: readonly Fix[],
): Finding {
  return { name, code, message, fixes, exitCode: FAILURES[code].exitCode }
}

export function shell(text: string, when?: string): Fix {
  return { where: 'shell', text, ...(when === undefined ? {} : { when }) }
}

export function compose(text: string, when?: string): Fix {
  return { where: 'compose', text, ...(when === undefined ? {} : { when }) }
}

export function advice(text: string): Fix {
  return { where: 'advice', text }
}

/**
 * The line that mounts the volume of the place at `directory`. JSON's strings are YAML's, Compose reads `$` as the
 * beginning of a variable, and a colon would end the path in the short form.
 */
export function mountOf({ volume = 'VOLUME' }: Place, directory: string): string {
  const target = directory.replaceAll('$', '$$$$')
  const text = (value: string) => visible(JSON.stringify(value))
  if (!target.includes(':')) return `volumes: [${text(`${volume}:${target}:ro`)}]`
  return `volumes: [{type: volume, source: ${volume}, target: ${text(target)}, read_only: true}]`
}

/** Commands on the Compose service that listens at the place; none where it is not known. */
export function onService({ service }: Place, ...commands: readonly string[]): Fix[] {
  return service === undefined ? [] : commands.map((command) => shell(`docker compose ${command} ${service}`))
}
