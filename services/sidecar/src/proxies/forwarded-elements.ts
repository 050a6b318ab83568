/** The lists of `X-Forwarded-For` and `Forwarded` (RFC 7239), which proxies append to: read from their end. */
import type { AddressBytes } from '../egress/address-bytes.ts'
import { addressOf } from './trusted-proxies.ts'

/** What one proxy said about where it got the request from. */
export interface ForwardedElement {
  /** Undefined for anything but an IP address: `unknown`, an obfuscated name, an element that is not valid. */
  readonly address: AddressBytes | undefined
  /** `proto` of `Forwarded`, in lower case; null without it. */
  readonly proto: string | null
}

export type ForwardedField = 'x-forwarded-for' | 'forwarded'

/** Bytes that are read of all lines together, from the end. The first element of a text that was cut is not valid. */
const MAX_BYTES = 8_192
const CUT = '\0'

/**
 * The elements of the field, the last one first. Empty ones are left out (RFC 9110 section 5.6.1).
 * @param lines the values of the field lines, in order: they are one list (RFC 9110 section 5.2).
 */
export function* elementsFromEnd(
  field: ForwardedField,
  lines: readonly string[],
): Generator<ForwardedElement, void, undefined> {
  let left = MAX_BYTES
  for (const line of lines.toReversed()) {
    const text = line.length > left ? CUT + line.slice(line.length - left) : line
    left -= Math.min(line.length, left)
    for (let end = text.length; end > 0; ) {
      const start = field === 'forwarded' ? startOfElement(text, end) : text.lastIndexOf(',', end - 1) + 1
      const element = trimmed(text.slice(start, end))
      if (element !== '') yield field === 'forwarded' ? readElement(element) : readXForwardedFor(element)
      end = start - 1
    }
  }
}

const INVALID: ForwardedElement = Object.freeze({ address: undefined, proto: null })

function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}

/** The position after the comma before `end` that is outside quotes; 0 when there is none. */
function startOfElement(text: string, end: number): number {
  for (let at = end - 1; at >= 0; at--) {
    if (text[at] === ',') return at + 1
    if (text[at] === '"') at = openingQuote(text, at)
  }
  return 0
}

/**
 * Read from the end, so that what a proxy appends is found whatever its client has sent before it. -1: there is none, and no
 * element that ends here is valid.
 */
function openingQuote(text: string, closing: number): number {
  for (let at = closing - 1; at >= 0; at--) if (text[at] === '"' && !isEscaped(text, at)) return at
  return -1
}

function isEscaped(text: string, position: number): boolean {
  let at = position
  while (text[at - 1] === '\\') at--
  return (position - at) % 2 === 1
}

const IPV4 = '(?<v4>[0-9.]+)'
const IPV6 = '(?<v6>[0-9a-fA-F:.]+)'
const X_FORWARDED_FOR = [
  new RegExp(`^${IPV4}(?::(?<port>\\d{1,5}))?$`),
  new RegExp(`^\\[${IPV6}\\](?::(?<port>\\d{1,5}))?$`),
  new RegExp(`^${IPV6}$`),
]
/** RFC 7239 section 6: IPv6 has brackets, and the port may be obfuscated. */
const NODE = [
  new RegExp(`^${IPV4}(?::(?:(?<port>\\d{1,5})|_[A-Za-z0-9._-]+))?$`),
  new RegExp(`^\\[${IPV6}\\](?::(?:(?<port>\\d{1,5})|_[A-Za-z0-9._-]+))?$`),
]
const MAX_PORT = 65_535

function readXForwardedFor(element: string): ForwardedElement {
  return { address: addressIn(element, X_FORWARDED_FOR), proto: null }
}

/** The address in one of these forms: the port that some proxies add says nothing here. */
function addressIn(text: string, forms: readonly RegExp[]): AddressBytes | undefined {
  const groups = forms.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  if (groups === undefined || Number(groups.port ?? 0) > MAX_PORT) return undefined
  if (groups.v6 !== undefined && !groups.v6.includes(':')) return undefined
  return addressOf(groups.v4 ?? groups.v6 ?? '')
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** White space around `;` is not in the grammar, but in the examples of RFC 7239 section 4. */
const PAIR = new RegExp(
  `[ \\t]*(?:(?<name>${TOKEN})=(?:(?<token>${TOKEN})|"(?<quoted>(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*)"))?[ \\t]*(?:;|$)`,
  'y',
)

/** One element of `Forwarded`: `for=192.0.2.1;proto=https`. Each parameter may occur once. */
function readElement(element: string): ForwardedElement {
  const pairs = new Map<string, string>()
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < element.length) {
    const groups = PAIR.exec(element)?.groups
    if (groups === undefined) return INVALID
    const name = groups.name?.toLowerCase()
    if (name === undefined) continue
    if (pairs.has(name)) return INVALID
    pairs.set(name, groups.token ?? (groups.quoted ?? '').replace(/\\(.)/gs, '$1'))
  }
  return {
    address: addressIn(pairs.get('for') ?? '', NODE),
    proto: pairs.get('proto')?.toLowerCase() ?? null,
  }
}
