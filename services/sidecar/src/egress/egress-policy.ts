import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { type AddressRefusal, AddressRules, type OwnAddresses } from './addresses.ts'
import type { SniRefusal } from './client-hello.ts'
import { ChosenHostUnknown, EgressDenied } from './egress-denied.ts'
import {
  type ConnectRule,
  formatHost,
  isSpelledOut,
  parseTarget,
  type RuleRefusal,
  rulesFor,
  type Target,
} from './host-name.ts'
import { ownAddresses } from './own-addresses.ts'

/** What `EgressPolicy` needs of a resolver. */
export interface NameResolver {
  /** @param asker the name of the route that asks */
  lookup(name: string, asker?: string): Promise<readonly LookupAddress[]>
  /** What is known about the name may be wrong: it is asked for again soon. */
  forget?(name: string): void
}

export interface EgressPolicyParts {
  /** Of the route. Default: none. */
  readonly name?: string
  readonly allow: readonly ConnectRule[]
  readonly allowAddresses: readonly string[]
  readonly resolver: NameResolver
  /** Reads the addresses of this machine. Default: those of now. */
  readonly own?: () => OwnAddresses
}

/** Decides which hosts one route may dial, and at which addresses. */
export class EgressPolicy {
  readonly #allow: readonly ConnectRule[]
  readonly #addresses: AddressRules
  readonly #resolver: NameResolver
  readonly #own: () => OwnAddresses
  readonly #name: string

  constructor({ name = '', allow, allowAddresses, resolver, own = () => ownAddresses() }: EgressPolicyParts) {
    this.#allow = allow
    this.#addresses = new AddressRules(allowAddresses)
    this.#resolver = resolver
    this.#own = own
    this.#name = name
  }

  /**
   * Reads the target of a CONNECT. Looks nothing up.
   * @throws EgressDenied when it cannot be read in one way only, or no rule names it
   */
  read(authority: string): Target {
    const target = parseTarget(authority)
    if (target === undefined) throw invalid(authority)
    const rules = rulesFor(this.#allow, target)
    if (typeof rules === 'string') throw notAllowed(target, rules)
    return target
  }

  /**
   * Whether a rule that names the target is for the caller.
   * @param permits whether the caller is one of the clients with these names
   */
  isFor(target: Target, permits: (names: readonly string[]) => boolean): boolean {
    const rules = rulesFor(this.#allow, target)
    return typeof rules !== 'string' && rules.some(({ clients }) => clients.length === 0 || permits(clients))
  }

  /**
   * The addresses at which a target may be dialled: those of its name that the rules for addresses let through. Dial
   * these and no others, with {@link lookupOf}: a second look-up could have another result (DNS rebinding).
   * @throws EgressDenied when there is none
   * @throws Failure `host_unknown` or `overloaded` when its name cannot be resolved; `host_unknown` is a refusal when the
   * client chose a name that does not exist
   */
  async addressesOf(target: Target): Promise<readonly LookupAddress[]> {
    const found = target.kind === 'address' ? [literal(target)] : await this.#lookup(target)
    const own = this.#own()
    const judged = found.map((each) => ({ each, refusal: this.#addresses.refusalOf(each.address, own) }))
    const good = judged.flatMap(({ each, refusal }) => (refusal === null ? [each] : []))
    if (good.length > 0) return good
    throw addressRefused(
      target,
      judged.flatMap(({ each, refusal }) => (refusal === null ? [] : [reasonFor(each.address, refusal)])),
    )
  }

  async #lookup(target: Target): Promise<readonly LookupAddress[]> {
    try {
      return await this.#resolver.lookup(target.host, this.#name)
    } catch (error) {
      // A resolver that does not respond is the matter of the operator, whoever chose the name.
      const isMissing =
        error instanceof Failure && error.code === 'host_unknown' && error.errno === 'ENOTFOUND'
      throw isMissing && !isSpelledOut(this.#allow, target) ? new ChosenHostUnknown(error) : error
    }
  }
}

function literal({ host }: Target): LookupAddress {
  return { address: host, family: host.includes(':') ? 6 : 4 }
}

/** A look-up for `net.connect` that has the addresses already. */
export function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses
    if (all === true || first === undefined) callback(null, [...addresses])
    else callback(null, first.address, first.family)
  }
}

/** Keeps a message short, whatever the client sends. */
const MAX_HOST_CHARACTERS = 256

function invalid(authority: string): EgressDenied {
  const host = authority.slice(0, MAX_HOST_CHARACTERS)
  return new EgressDenied('egress_denied', 'name_invalid', {
    message: `CONNECT ${host} is refused: that is not a host name, or an address, that can be read in one way only`,
    hint: 'write the whole name in lower case, without a dot at its end; an address as 192.0.2.1 or [2001:db8::1]; and a port from 1 to 65535',
    facts: { host },
  })
}

const RULE_REFUSALS: Readonly<Record<RuleRefusal, string>> = {
  name_not_allowed: 'no rule of the route names this host',
  port_not_allowed: 'a rule of the route names this host, but not with this port',
  literal_not_allowed:
    'no rule of the route names this address; a rule for a name does not allow its addresses',
}

function notAllowed(target: Target, refusal: RuleRefusal): EgressDenied {
  const text = textOf(target)
  return new EgressDenied('egress_denied', refusal, {
    message: `CONNECT ${text} is refused: ${RULE_REFUSALS[refusal]}`,
    hint: `if the app may reach it, add CONNECT ${text} to allow of the route`,
    facts: { host: target.host, port: target.port },
  })
}

/** For the log: why an address is refused, and what opens it where a range does not. */
function reasonFor(address: string, refusal: AddressRefusal): string {
  if (refusal !== 'gateway') return `${address}: ${refusal}`
  const entry = `${address}/${address.includes(':') ? 128 : 32}`
  return `${address}: gateway (of a route, or the first address of a network without one); if it is the right host, name ${entry} in allowAddresses`
}

/** The client is not told the addresses, which may be those of a network that it should know nothing about; the log is. */
function addressRefused(target: Target, addresses: readonly string[]): EgressDenied {
  return new EgressDenied('egress_denied', 'address_refused', {
    message: `CONNECT ${textOf(target)} is refused: the host has no address that may be dialled`,
    hint: 'only globally reachable addresses are dialled; the log of the sidecar has the addresses, and allowAddresses of the route opens others',
    facts: { host: target.host, port: target.port, addresses },
  })
}

const SNI_REFUSALS: Readonly<Record<SniRefusal | 'hello_late' | 'hello_cut', string>> = {
  not_tls: 'its first bytes are not TLS',
  hello_malformed: 'its ClientHello is not valid',
  hello_too_large: 'its ClientHello is larger than 16 KiB',
  hello_late: 'its ClientHello was not whole in time',
  hello_cut: 'the client ended it in the middle of its ClientHello',
  sni_missing: 'its ClientHello asks for no name (SNI)',
  sni_other: 'its ClientHello asks for another name (SNI)',
  encrypted_client_hello: 'its ClientHello hides its name (Encrypted Client Hello)',
}

/** A tunnel that is cut. */
export function sniMismatch(target: Target, reason: SniRefusal | 'hello_late' | 'hello_cut'): EgressDenied {
  return new EgressDenied('sni_mismatch', reason, {
    message: `the tunnel to ${textOf(target)} is cut: ${SNI_REFUSALS[reason]}`,
    hint: 'let the client speak TLS to the host of its CONNECT, or set sni: any on the route',
    facts: { host: target.host, port: target.port },
  })
}

function textOf({ host, port }: Target): string {
  return `${formatHost(host)}:${port}`
}
