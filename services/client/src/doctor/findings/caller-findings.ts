import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { advice, type Facts, type Finding, type FindingName, type Fix, shell } from '../diagnosis.ts'
import { doctorCommand } from './conversation-findings.ts'

/** The server works, and refuses this caller: it does not know who that is, or who it is may not do this. */
export function callerFinding(facts: Facts): Finding | undefined {
  const { conversation, place, reach } = facts
  if (conversation?.kind !== 'server error') return undefined
  const { status, problem } = conversation
  const name = nameOf(status, problem?.code, reach.hasToken)
  if (name === undefined) return undefined
  const said = problem?.detail ?? problem?.title
  const where = `${formatEndpoint(place.endpoint)} responded to GET ${place.path} with ${status}`
  return {
    name,
    code: problem?.code ?? `http_${status}`,
    message: `${where}: ${WHAT[name]}${said === undefined ? '' : ` (${said})`}`,
    fixes: fixesOf(name, facts),
    exitCode: EXIT.denied,
  }
}

type CallerFinding = Extract<
  FindingName,
  'credential_missing' | 'credential_wrong' | 'not_permitted' | 'too_many_attempts'
>

const WHAT: Readonly<Record<CallerFinding, string>> = {
  credential_missing: 'it wants to know who calls, and no credential was sent',
  credential_wrong: 'the token is not one of those that it knows',
  not_permitted: 'it knows this caller, or could not tell who it is, and does not let it do this',
  too_many_attempts: 'too many attempts with a wrong credential came from here',
}

function nameOf(status: number, code: string | undefined, hasToken: boolean): CallerFinding | undefined {
  if (code === 'unauthenticated') return 'credential_missing'
  if (code === 'bad_credentials') return 'credential_wrong'
  if (code === 'not_permitted') return 'not_permitted'
  if (code === 'too_many_attempts') return 'too_many_attempts'
  return status === 401 && hasToken ? 'credential_wrong' : undefined
}

function fixesOf(name: CallerFinding, { place, reach }: Facts): Fix[] {
  const again = doctorCommand(place)
  const withToken = shell(`${again} --token-file FILE`, 'FILE holds a token that the server knows')
  const withCertificate = shell(`${again} --cert FILE --key FILE`, 'if certificates tell its callers apart')
  switch (name) {
    case 'credential_missing':
      return [withToken, ...(reach.hasCertificate ? [] : [withCertificate])]
    case 'credential_wrong':
      return [
        advice('compare the token file with that of the server (token of a client in its configuration)'),
        advice('after a rotation read the new token: the server may have dropped the old one'),
      ]
    case 'not_permitted':
      return [
        ...(reach.hasCertificate ? [] : [withCertificate]),
        ...(reach.hasToken ? [] : [withToken]),
        advice('or name this caller after `for` in the rule of the sidecar'),
      ]
    case 'too_many_attempts':
      return [advice('wait a minute; meanwhile find who sends the wrong credential, and correct it')]
  }
}
