import { type AddressBytes, formatAddress } from '../egress/address-bytes.ts'
import { foldedName, isOneOf } from '../http1/destination.ts'
import { FIELD } from '../http1/field-names.ts'
import type { RequestHead } from '../http1/request-head.ts'
import { elementsFromEnd, type ForwardedField } from './forwarded-elements.ts'
import { addressOfPeer, type Connected, TrustedProxies } from './trusted-proxies.ts'

/** Where a request began that came through trusted proxies. It says who counts for limits, and never who may enter. */
export interface Origin {
  /** The address of the client; null: no proxy has said one. */
  readonly client: string | null
  /** For `X-Forwarded-For`: the client, then the trusted proxies up to the one that connected. Empty: no address is known. */
  readonly chain: string
  /** As the client used it, when the proxy says so; else null. */
  readonly scheme: string | null
}

interface ProxySettings {
  readonly trustedProxies?: readonly string[] | undefined
  readonly proxyProtocol?: 'off' | 'v2' | undefined
  readonly forwardedField?: ForwardedField | undefined
}

/**
 * The field in which the trusted proxies of a route say who the client is; undefined: in none. The address in a PROXY
 * header is that of the client, so there no field is read unless the route asks for it.
 */
export function forwardedFieldOf({
  trustedProxies,
  proxyProtocol,
  forwardedField,
}: ProxySettings): ForwardedField | undefined {
  if (trustedProxies === undefined) return undefined
  return forwardedField ?? (proxyProtocol === 'v2' ? undefined : 'x-forwarded-for')
}

/** Proxies that one request has passed, at most. */
const MAX_HOPS = 32
/** Of WebSocket, in the words of some proxies, too. */
const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'ws', 'wss'])

const NAMES = { 'x-forwarded-for': [foldedName('x-forwarded-for')], forwarded: [foldedName('forwarded')] }
const X_FORWARDED_PROTO = [foldedName('x-forwarded-proto')]

/** Reads what the trusted proxies of one route say in the fields of a request, in one field and never in another. */
export class ForwardedOrigin {
  readonly #field: ForwardedField
  readonly #trusted: TrustedProxies

  constructor(field: ForwardedField, trustedProxies: readonly string[]) {
    this.#field = field
    this.#trusted = new TrustedProxies(trustedProxies)
  }

  /** Whether this caller is a proxy, on whose connections requests of many clients come. */
  isProxy(caller: Connected): boolean {
    return this.#trusted.trusts(caller)
  }

  /**
   * Walks the field from its end, over the addresses of trusted proxies, to the first other one: that is the client. What
   * stands before it was said by somebody whom nobody trusts. Anything but an IP address ends the walk too: the last
   * address before it counts then.
   * @param caller a trusted proxy. @param bytes the buffer that `head` was parsed from.
   */
  of(caller: Connected, head: RequestHead, bytes: Buffer): Origin {
    const hops: string[] = []
    let scheme: string | null = null
    for (const { address, proto } of elementsFromEnd(
      this.#field,
      valuesOf(NAMES[this.#field], head, bytes),
    )) {
      scheme = proto ?? scheme // a trusted proxy has added this element, whatever address is in it
      if (address === undefined) break
      hops.unshift(formatAddress(address))
      if (!this.#trusted.trustsAddress(address) || hops.length === MAX_HOPS) break
    }
    const [client = null] = hops
    const own = ownAddress(caller)
    const chain = [...hops, ...(own === undefined ? [] : [formatAddress(own)])].join(', ')
    if (this.#field === 'x-forwarded-for') scheme = only(valuesOf(X_FORWARDED_PROTO, head, bytes))
    return { client, chain, scheme: scheme !== null && SCHEMES.has(scheme) ? scheme : null }
  }
}

/** A caller on a Unix socket has none. */
function ownAddress({ address }: Connected): AddressBytes | undefined {
  return address === undefined ? undefined : addressOfPeer(address)
}

/** The values of all lines with this name, in order. Names with other characters are not those of the field. */
function valuesOf(names: readonly Uint8Array[], { fields }: RequestHead, bytes: Buffer): string[] {
  const values: string[] = []
  for (let i = 0; i < fields.count; i++) {
    if (fields.id(i) !== FIELD.dropped || !isOneOf(names, bytes, fields.lineStart(i))) continue
    values.push(bytes.toString('latin1', fields.valueStart(i), fields.valueEnd(i)))
  }
  return values
}

/** A list of schemes does not say which one was the client's. */
function only(values: readonly string[]): string | null {
  const [value] = values
  return value === undefined || values.length > 1 ? null : value.trim().toLowerCase()
}
