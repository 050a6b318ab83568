import * as v from 'valibot'
import { type Endpoint, parseEndpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import { LOG_LEVELS } from '../lifecycle/log-levels.ts'

/** Schemas for `readEnv`: each reads the text of one variable, and its message says which values are allowed. */

/** Broadcast and multicast: 255.255.255.255, 224.0.0.0/4 and ff00::/8. */
const GROUP_ADDRESS = /^(255\.255\.255\.255$|(22[4-9]|23\d)(\.\d{1,3}){3}$|ff[0-9a-f]{2}:)/i

/** The text of an endpoint, as `parseEndpoint` reads it, but no broadcast or multicast address. */
export const endpointText = v.pipe(
  v.string('may be text such as unix:/run/app/api/api.sock or tcp://0.0.0.0:8080'),
  v.rawTransform<string, Endpoint>(({ dataset, addIssue, NEVER }) => {
    try {
      const endpoint = parseEndpoint(dataset.value)
      if (endpoint.kind !== 'tcp' || !GROUP_ADDRESS.test(endpoint.host)) return endpoint
      addIssue({ message: `${endpoint.host} is a broadcast or multicast address, which TCP cannot use` })
      return NEVER
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      addIssue({ message: `${error.message}; ${error.hint}` })
      return NEVER
    }
  }),
)

/** A whole number in decimal digits; no sign, no blanks, no exponent. */
export function integerText(min: number, max: number) {
  const message = `may be a whole number from ${min} to ${max}`
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  )
}

/** One of these words, in exactly this spelling. */
export function oneOf<const T extends readonly string[]>(values: T) {
  return v.picklist(values, `may be ${values.join(', ')}`)
}

/** `on` is true, `off` is false. */
export const onOff = v.pipe(
  oneOf(['on', 'off']),
  v.transform((text) => text === 'on'),
)

/** One of {@link LOG_LEVELS}. */
export const logLevel = oneOf(LOG_LEVELS)
