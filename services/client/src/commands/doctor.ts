import { EXIT } from '@uds-sidecar/shared/failure/failures'
import { visibleIn, visibleJson } from '@uds-sidecar/shared/text/visible'
import { type Access, accessOf, isGiven, stackAccess } from '../access/access.ts'
import { STACK_ACCESS_OPTIONS } from '../access/access-options.ts'
import { usageError } from '../cli/cli-error.ts'
import { type Arguments, type Context, defineCommand } from '../cli/command.ts'
import { oneOf, TIMEOUT_OPTION, type Valued } from '../cli/options.ts'
import { diagnose, diagnoseText } from '../doctor/diagnose.ts'
import type { Diagnosis } from '../doctor/diagnosis.ts'
import { PROTOCOLS, type Protocol, placeAt, placesOf } from '../doctor/place.ts'
import { report } from '../doctor/report.ts'
import { palette } from '../output/text.ts'

const PROTOCOL_OPTION = {
  kind: 'value',
  placeholder: PROTOCOLS.join('|'),
  summary: 'the protocol to use after connecting (default: that of a known endpoint, else http)',
  ...oneOf(PROTOCOLS),
  fallback: undefined,
} as const satisfies Valued<Protocol | undefined>

const OPTIONS = {
  protocol: PROTOCOL_OPTION,
  'timeout-ms': { ...TIMEOUT_OPTION, fallback: 2_000 },
  ...STACK_ACCESS_OPTIONS,
}

export const command = defineCommand({
  name: 'doctor',
  summary: 'explain why an endpoint does not respond, and how to fix it',
  positionals: '[ENDPOINT...]',
  maxPositionals: 100,
  options: OPTIONS,
  examples: [
    ['client doctor', 'every endpoint of the stack'],
    ['client doctor unix:/run/redis/redis.sock --protocol none', 'any socket; only connects'],
    [
      'client doctor tcp://api.example:8443 --cacert ca.crt --token-file token',
      'certificates and credentials too',
    ],
  ],
  jsonShape:
    '{"diagnoses": [{endpoint, verdict, steps: [{state, subject, said}], finding: {name, code, message, fixes: [{where, text, when?}], exitCode} | null, exitCode}]}',
  async run(args, context) {
    const access = await accessTo(args, context)
    const diagnoses = await Promise.all(patients(args, access, context))
    const { stdout, json, env } = context
    stdout.write(
      json ? `${visibleJson({ diagnoses })}\n` : report(visibleIn(diagnoses), palette(stdout, env)),
    )
    return diagnoses.find(({ exitCode }) => exitCode !== EXIT.ok)?.exitCode ?? EXIT.ok
  },
})

/** Endpoints on the command line are all asked alike; those of the stack only as far as they speak TLS. */
async function accessTo(
  { positionals, values }: Arguments<typeof OPTIONS>,
  { config }: Context,
): Promise<Access> {
  if (positionals.length === 0 || !isGiven(values)) return stackAccess(values, config)
  if (values['tls-for'] !== undefined)
    throw usageError(
      '--tls-for goes with no ENDPOINT',
      'it is about the endpoints of the stack: leave it out',
    )
  return accessOf(values)
}

function patients(
  { positionals, values }: Arguments<typeof OPTIONS>,
  access: Access,
  { config }: Context,
): Promise<Diagnosis>[] {
  const { protocol, 'timeout-ms': timeoutMs } = values
  if (positionals.length === 0) return placesOf(config).map((place) => diagnose(place, timeoutMs, access))
  return positionals.map((text) =>
    diagnoseText(text, (endpoint) => diagnose(placeAt(endpoint, config, protocol), timeoutMs, access)),
  )
}
