import type { LookupFunction } from 'node:net'
import type { DialOptions } from '@uds-sidecar/shared/dial/dial'
import type { TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import type { CredentialSettings } from '../config/way-out-schema.ts'
import { AddressRules } from '../egress/addresses.ts'
import { EgressDenied } from '../egress/egress-denied.ts'
import { lookupOf, type NameResolver } from '../egress/egress-policy.ts'
import { ownAddresses } from '../egress/own-addresses.ts'
import { FollowedFiles } from '../files/followed-files.ts'
import { type Destination, SOCKET } from '../http1/destination.ts'
import type { OutgoingCounters, OutgoingStatus } from '../observe/outgoing-status.ts'
import type { Outgoing } from '../relay/outgoing.ts'
import { readCredentials } from './credentials.ts'
import { partnerOf } from './partner.ts'
import type { UpstreamTls } from './upstream-tls.ts'

export interface WayOutParts {
  readonly resolver: NameResolver
  readonly log: Logger
  readonly counters: OutgoingCounters
}

interface Credentials extends Disposable {
  readonly settings: readonly CredentialSettings[]
  readonly files: FollowedFiles<Buffer>
}

const NOTHING: Buffer = Buffer.alloc(0)

/** The way of one route to an upstream on TCP: names, TLS, Host and credentials. The route disposes it. */
export class WayOut implements Outgoing, OutgoingStatus, Disposable {
  readonly destination: Destination
  readonly upstreamTls: UpstreamTls | null
  readonly counters: OutgoingCounters
  readonly #credentials: Credentials | null
  readonly #lookup: LookupFunction
  readonly #forget: () => void

  private constructor(
    route: Route,
    endpoint: TcpEndpoint,
    { resolver, counters }: WayOutParts,
    upstreamTls: UpstreamTls | null,
    credentials: Credentials | null,
  ) {
    this.counters = counters
    this.upstreamTls = upstreamTls
    this.#credentials = credentials
    const ask = (name: string) => resolver.lookup(name, route.name)
    this.#lookup = checkedLookup(ask, route.kind === 'connect' ? [] : (route.allowAddresses ?? []))
    this.#forget = () => resolver.forget?.(absolute(endpoint.host))
    const lines = () => credentials?.files.value ?? NOTHING
    this.destination = route.kind === 'http' ? partnerOf(endpoint, route, lines) : SOCKET
  }

  /**
   * Reads the files of the route; null when its upstream is a socket. `node:tls` is loaded only for `upstreamTls`.
   * @throws Failure `bad_config` when files are missing or bad
   */
  static async load(route: Route, parts: WayOutParts): Promise<WayOut | null> {
    if (route.kind === 'connect') return null
    const { upstream: endpoint, upstreamTls: settings } = route
    if (endpoint.kind !== 'tcp') return null
    using stack = new DisposableStack()
    const { log, counters } = parts
    const isHttp = route.kind === 'http'
    const { UpstreamTls } = settings === undefined ? NO_TLS : await import('./upstream-tls.ts')
    const tls =
      settings === undefined || UpstreamTls === null
        ? null
        : stack.use(await UpstreamTls.load({ settings, endpoint, isHttp, log, counters }))
    const fields = isHttp ? route.credentials : undefined
    const credentials = fields === undefined ? null : await loadCredentials(fields, log, counters)
    stack.move()
    return new WayOut(route, endpoint, parts, tls, credentials)
  }

  get isTls(): boolean {
    return this.upstreamTls !== null
  }

  get credentials() {
    if (this.#credentials === null) return null
    const { settings, files } = this.#credentials
    return { settings, since: files.since, lastFailure: files.lastFailure }
  }

  set onReplaced(onReplaced: () => void) {
    if (this.upstreamTls !== null) this.upstreamTls.onReplaced = onReplaced
  }

  dialOptions(): Pick<DialOptions, 'tls' | 'lookup'> {
    return { tls: this.upstreamTls?.dialOptions(), lookup: this.#lookup }
  }

  dialFailed(): void {
    this.#forget()
  }

  /** Takes over files that have changed. */
  async look(): Promise<void> {
    await Promise.all([this.upstreamTls?.look(), this.#credentials?.files.look()])
  }

  [Symbol.dispose](): void {
    this.upstreamTls?.[Symbol.dispose]()
    this.#credentials?.[Symbol.dispose]()
  }
}

const NO_TLS = { UpstreamTls: null }

async function loadCredentials(
  settings: readonly CredentialSettings[],
  log: Logger,
  counters: OutgoingCounters,
): Promise<Credentials> {
  const files = await FollowedFiles.load<Buffer>({
    paths: settings.map(({ path }) => path),
    read: () => readCredentials(settings),
    isSame: (one, other) => one.equals(other),
    logFields: () => ({ credentials: settings.map(({ name }) => name) }),
    texts: {
      taken: 'the new credentials are in use',
      kept: 'the new credentials are refused, the old ones stay in use',
    },
    counters,
    log,
  })
  return { settings, files, [Symbol.dispose]: () => files[Symbol.dispose]() }
}

/**
 * Asks `ask`, as `net.connect` expects it, and lets only checked addresses through: whoever answers for the name must
 * not be able to send the app to this machine, its gateway or a metadata service. Node tries several one after the other.
 */
function checkedLookup(ask: NameResolver['lookup'], allowAddresses: readonly string[]): LookupFunction {
  const rules = new AddressRules([...EVERYWHERE, ...allowAddresses])
  const addressesOf = async (name: string) => {
    const found = await ask(name)
    if (name === 'localhost') return found // whoever writes it means this machine
    const own = ownAddresses()
    const good = found.filter(({ address }) => rules.refusalOf(address, own) === null)
    if (good.length > 0) return good
    throw refused(name)
  }
  return (hostname, options, callback) => {
    addressesOf(absolute(hostname)).then(
      (addresses) => lookupOf(addresses)(hostname, options, callback),
      (error) => callback(error, []),
    )
  }
}

/** Names are absolute also without a dot at the end. */
function absolute(name: string): string {
  return name.replace(/\.$/, '')
}

/** Private networks too: the operator chose the name. */
const EVERYWHERE = ['0.0.0.0/0', '::/0']

function refused(name: string): EgressDenied {
  return new EgressDenied('egress_denied', 'address_refused', {
    message: `${name} has no address that may be dialled: it resolves to loopback, a metadata service, this sidecar or a gateway (of a route, or the first address of a network without one)`,
    hint: 'if that is meant, name that one address in allowAddresses of the route, with /32 or /128',
  })
}
