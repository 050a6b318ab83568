/** Settings of a listener behind proxies: whom to trust, and how they say who the client is. */
import * as v from 'valibot'
import type { ForwardedField } from '../proxies/forwarded-elements.ts'
import {
  isForUnix,
  MAX_TRUSTED_PROXIES,
  mistakeInEntry,
  normalEntry,
  TRUSTED_PROXY,
} from '../proxies/trusted-proxies.ts'
import { entryAt, type Mistake } from './mistake.ts'

const PROXIES = `may be a list of 1 to ${MAX_TRUSTED_PROXIES} proxies, such as [10.0.0.0/8] or [unix]; each ${TRUSTED_PROXY}`

const entry = v.pipe(
  v.string(TRUSTED_PROXY),
  v.rawCheck(({ dataset, addIssue }) => {
    const mistake = typeof dataset.value === 'string' ? mistakeInEntry(dataset.value) : undefined
    if (mistake !== undefined) addIssue({ message: mistake })
  }),
)

export const trustedProxies = v.optional(
  v.pipe(
    v.array(entry, PROXIES),
    v.minLength(1, PROXIES),
    v.maxLength(MAX_TRUSTED_PROXIES, PROXIES),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const known = dataset.value.map(normalEntry)
      const twice = dataset.value.find((_, index) => known.indexOf(known[index] ?? '') < index)
      if (twice !== undefined) addIssue({ message: `names ${twice} twice` })
    }),
    v.metadata({
      json: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_TRUSTED_PROXIES,
        uniqueItems: true,
        items: {
          type: 'string',
          pattern: '^(unix|uid:[0-9]{1,10}|[0-9a-fA-F:.]+(/[0-9]{1,3})?)$',
          description: `Each ${TRUSTED_PROXY}.`,
        },
        description:
          'The proxies in front of this listener: what they say about the address of their client counts for limits and the log, and never for identity.',
      },
    }),
  ),
)

const PROXY_PROTOCOL =
  'may be off or v2; version 1 and a header that may be missing are not accepted, so make the proxy send version 2'

export const proxyProtocol = v.optional(
  v.pipe(
    v.picklist(['off', 'v2'], PROXY_PROTOCOL),
    v.metadata({
      json: {
        enum: ['off', 'v2'],
        description:
          'Whether each connection begins with a header of the PROXY protocol, version 2, which trustedProxies send. Default off.',
      },
    }),
  ),
)

const FORWARDED_FIELD = 'may be X-Forwarded-For or Forwarded'
const FIELDS = ['X-Forwarded-For', 'Forwarded', 'x-forwarded-for', 'forwarded'] as const

export const forwardedField = v.optional(
  v.pipe(
    v.picklist(FIELDS, FORWARDED_FIELD),
    v.metadata({
      json: {
        enum: FIELDS,
        description: `The field in which trustedProxies say who the client is; ${FORWARDED_FIELD}. Default X-Forwarded-For; with proxyProtocol: v2 none is read unless it is set.`,
      },
    }),
    v.transform((name): ForwardedField => (/^f/i.test(name) ? 'forwarded' : 'x-forwarded-for')),
  ),
)

/** Mistakes in the settings of one route that show only together. It accepts rows that the schema refuses. */
export function proxyMistakes(row: unknown, place: Mistake['path']): Mistake[] {
  const { value: kind } = entryAt(row, place, 'kind')
  const { value: listen } = entryAt(row, place, 'listen')
  const trusted = entryAt(row, place, 'trustedProxies')
  const protocol = entryAt(row, place, 'proxyProtocol')
  const field = entryAt(row, place, 'forwardedField')
  const mistakes: Mistake[] = []
  if (protocol.value === 'v2' && trusted.value === undefined)
    mistakes.push({ path: protocol.path, message: NEEDS_PROXIES })
  if (field.value !== undefined && trusted.value === undefined)
    mistakes.push({ path: field.path, message: FIELD_NEEDS_PROXIES })
  const hasNoFields = kind === 'stream' || kind === 'connect'
  if (trusted.value !== undefined && hasNoFields && protocol.value !== 'v2')
    mistakes.push({
      path: trusted.path,
      message: `does nothing on a route of kind ${kind} without proxyProtocol: v2: ${ADD_HEADER}`,
    })
  const message = typeof listen === 'string' ? uselessFor(listen, trusted.value) : undefined
  return message === undefined ? mistakes : [...mistakes, { path: trusted.path, message }]
}

const NEEDS_PROXIES =
  'is v2, which needs trustedProxies: without them anybody could say which address it has; name the proxies that send the header, such as [10.0.0.0/8]'
const FIELD_NEEDS_PROXIES =
  'needs trustedProxies: the field of anybody else is dropped; name the proxies that send it, such as [10.0.0.0/8], or remove this line'
const ADD_HEADER = 'add it, or remove trustedProxies'

/** One list may serve listeners of both kinds, but something of it must fit this one. */
function uselessFor(listen: string, trusted: unknown): string | undefined {
  const texts = Array.isArray(trusted) ? trusted.filter((text) => typeof text === 'string') : []
  if (texts.length === 0 || texts.some((text) => mistakeInEntry(text) !== undefined)) return undefined
  const isUnix = listen.startsWith('unix:')
  if (texts.some((text) => isForUnix(text) === isUnix)) return undefined
  return isUnix
    ? 'has no entry that fits a caller on a Unix socket: add uid:N for the user of the proxy, or unix for all users'
    : 'has no address, and callers of a listener on TCP have no uid: add addresses, such as 10.0.0.0/8, or listen on unix:/path'
}
