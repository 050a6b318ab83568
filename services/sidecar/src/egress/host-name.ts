import { isClientName } from '../policy/rule.ts'
import { type AddressBytes, formatAddress, parseAddress } from './address-bytes.ts'

const MOST_LETTERS = 253
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)

/**
 * Resolvers take a name whose last label is a number for an address (`127.1`, `0x7f000001`, `0177.0.0.1`); no top-level
 * domain is one (WHATWG URL, "ends in a number"; RFC 3696 section 2).
 */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/**
 * Whether it is a host name that can be read in one way only: lower-case letters, digits and `-` in labels of at most
 * 63, with dots between them, at most 253 in all; no dot at the end, and no number as its last label. Upper case is not
 * folded: clients send what is in the URL, and URLs have lower case.
 */
export function isHostName(text: string): boolean {
  return text.length <= MOST_LETTERS && NAME.test(text) && !NUMERIC_END.test(text)
}

/** What a CONNECT asks for. */
export type Target = NameTarget | AddressTarget

export interface NameTarget {
  readonly kind: 'name'
  readonly host: string
  readonly port: number
}

export interface AddressTarget {
  readonly kind: 'address'
  readonly bytes: AddressBytes
  /** In its usual text, without brackets. */
  readonly host: string
  readonly port: number
}

const AUTHORITY = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]+)):(?<port>[1-9]\d{0,4})$/

/**
 * Reads `host:port`: a host name as above, an IPv4 address of four decimal numbers, or an IPv6 address in brackets, and a
 * port from 1 to 65535 without leading zeros. Undefined for any other text.
 */
export function parseTarget(text: string): Target | undefined {
  const { v6, name = '', port: digits } = AUTHORITY.exec(text)?.groups ?? {}
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  const bytes = parseAddress(v6 ?? name)
  if (bytes !== undefined && (v6 === undefined) === (bytes.length === 4))
    return { kind: 'address', bytes, host: formatAddress(bytes), port }
  return v6 === undefined && isHostName(name) ? { kind: 'name', host: name, port } : undefined
}

/** One rule of `kind: connect`. */
export interface ConnectRule {
  /** A host name, `*.` and a host name, or an address in its usual text. */
  readonly host: string
  readonly port: number
  /** Names of the clients that may use it; empty: everybody. */
  readonly clients: readonly string[]
}

export const CONNECT_RULE_PATTERN =
  /^CONNECT (\*\.)?(\[[0-9a-fA-F:.]+\]|[a-z0-9][a-z0-9.-]*):[1-9][0-9]{0,4}( for( [a-z][a-z0-9-]*)+)?$/

export const CONNECT_GRAMMAR =
  'may be CONNECT, a host and a port, such as CONNECT api.example.org:443; the host is in lower case and absolute; *. at its beginning stands for one label; an address is written 192.0.2.1 or [2001:db8::1]; then for and the clients that may use it, such as for worker'

/** Parses `CONNECT api.example.org:443`, `CONNECT *.example.org:443` or `CONNECT 192.0.2.1:443`. */
export function parseConnectRule(text: string): ConnectRule | undefined {
  if (!CONNECT_RULE_PATTERN.test(text)) return undefined
  const [authority = '', , ...clients] = text.slice('CONNECT '.length).split(' ')
  if (!clients.every(isClientName)) return undefined
  const isWildcard = authority.startsWith('*.')
  const target = parseTarget(isWildcard ? authority.slice(2) : authority)
  if (target === undefined) return undefined
  // A label in place of the asterisk must make a name: not before an address, nor before the longest name.
  if (isWildcard && !isHostName(`a.${target.host}`)) return undefined
  return { host: isWildcard ? `*.${target.host}` : target.host, port: target.port, clients }
}

/** The rule as the configuration has it. */
export function formatConnectRule({ host, port, clients }: ConnectRule): string {
  const who = clients.length === 0 ? '' : ` for ${clients.join(' ')}`
  return `CONNECT ${formatHost(host)}:${port}${who}`
}

export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Whether a rule, with whatever port, spells this host out: `*.` in a rule leaves a label to the client. */
export function isSpelledOut(rules: readonly ConnectRule[], { host }: Target): boolean {
  return rules.some((rule) => rule.host === host)
}

/** Why no rule allows a target. */
export type RuleRefusal = 'name_not_allowed' | 'port_not_allowed' | 'literal_not_allowed'

/**
 * The rules that name a target, or why there is none: `*.` stands for exactly one label, and never for a part of an
 * address.
 */
export function rulesFor(
  rules: readonly ConnectRule[],
  { kind, host, port }: Target,
): readonly ConnectRule[] | RuleRefusal {
  const wildcard = kind === 'name' ? `*${host.slice(host.indexOf('.'))}` : host
  const hasDot = host.includes('.')
  const naming = rules.filter((rule) => rule.host === host || (hasDot && rule.host === wildcard))
  const fitting = naming.filter((rule) => rule.port === port)
  if (fitting.length > 0) return fitting
  if (naming.length > 0) return 'port_not_allowed'
  return kind === 'name' ? 'name_not_allowed' : 'literal_not_allowed'
}
