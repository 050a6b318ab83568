import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
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

/** Commands on the Compose service that listens at the place; none where it is not known. */
export function onService({ service }: Place, ...commands: readonly string[]): Fix[] {
  return service === undefined ? [] : commands.map((command) => shell(`docker compose ${command} ${service}`))
}
